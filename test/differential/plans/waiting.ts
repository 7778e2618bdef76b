import type { Plan, Planned } from '../script.ts'

/** The request lets those go that wait on these connections. */
export function waking(plan: Plan, ...connections: readonly string[]): Plan {
  return (script) => {
    const planned = plan(script)
    return planned && { ...planned, operation: { ...planned.operation, wakes: connections } }
  }
}

/** A request that may have to wait, where it does not. */
export function answeredAtOnce(planned: Planned | undefined): Planned | undefined {
  if (planned === undefined) return undefined
  const { answer: _, ...operation } = planned.operation
  return { ...planned, operation }
}
