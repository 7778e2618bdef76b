import { type CommandDefinition, defineCommand } from '../command.ts'
import { objectOf, whole } from '../json-schema.ts'
import { addressOptions, type AddressOptions, operationsClient } from '../projections/operations-client.ts'
import { ProgressBar, type ProgressStyle } from '../projections/progress-bar.ts'
import { projectionSchema, projectionsTable, type ProjectionView } from '../projections/projection-views.ts'
import type { Report } from '../report.ts'
import { jobWithBar, progressOption, rebuiltSchema } from './projections-rebuild.ts'

/** What is done to one projector and answers at once how it is then. */
const STEPS = {
  pause: {
    summary: 'stop a projector until it is resumed, also after restarts',
    does: 'its read model goes on answering',
  },
  resume: { summary: 'let a paused projector go on', does: 'it goes on where it was' },
  swap: {
    summary: 'let a generation serve that was built with rebuild --hold',
    does: 'it is verified once more, then readers see it',
  },
  cancel: { summary: 'end a rebuild and delete what there is of it', does: 'what serves goes on serving' },
} as const

function step(name: keyof typeof STEPS): CommandDefinition {
  const { summary, does } = STEPS[name]
  return defineCommand<AddressOptions>({
    path: `projections ${name}`,
    summary,
    arguments: [['<projector>', 'its name']],
    options: [...addressOptions],
    examples: [[`keyfold projections ${name} balances`, does]],
    data: projectionSchema,
    async run(context, options, [projector = '']): Promise<Report> {
      const client = operationsClient(options, context.world.env, context.signal)
      const view = await client.post<ProjectionView>(`/${encodeURIComponent(projector)}/${name}`)
      return { data: view, ids: [view.projector], tables: [projectionsTable([view])] }
    },
  })
}

export const projectionsPause = step('pause')
export const projectionsResume = step('resume')
export const projectionsSwap = step('swap')
export const projectionsCancel = step('cancel')

interface JobOptions extends AddressOptions {
  readonly progress: ProgressStyle
}

export const projectionsStart = defineCommand<JobOptions>({
  path: 'projections start',
  summary: 'start a projector that waits for it, or has failed, and wait until it has caught up',
  arguments: [['<projector>', 'its name']],
  options: [progressOption, ...addressOptions],
  examples: [['keyfold projections start statements', 'for the first time: builds it from offset zero']],
  data: projectionSchema,
  async run(context, { progress, ...address }, [projector = '']): Promise<Report> {
    const client = operationsClient(address, context.world.env, context.signal)
    const bar = new ProgressBar(context.world, progress)
    const view = await jobWithBar<ProjectionView>(client, `/${encodeURIComponent(projector)}/start`, { bar })
    return { data: view, ids: [view.projector], tables: [projectionsTable([view])] }
  },
})

export const projectionsRollBack = defineCommand<JobOptions>({
  path: 'projections roll-back',
  summary: 'let the generation serve again that served before',
  details: 'It catches up first. After a raised version, deploy the code before it: that goes back by itself.',
  arguments: [['<projector>', 'its name']],
  options: [progressOption, ...addressOptions],
  examples: [['keyfold projections roll-back balances', 'after a rebuild that was a mistake']],
  data: rebuiltSchema,
  async run(context, { progress, ...address }, [projector = '']): Promise<Report> {
    await context.confirm(`let the earlier generation of ${projector} serve again`)
    const client = operationsClient(address, context.world.env, context.signal)
    const bar = new ProgressBar(context.world, progress)
    const path = `/${encodeURIComponent(projector)}/roll-back`
    const back = await jobWithBar<{ readonly generation: number }>(client, path, { bar })
    return { data: back, ids: [projector], lines: [`${projector}: generation ${back.generation} serves again`] }
  },
})

export const projectionsDropOld = defineCommand<AddressOptions>({
  path: 'projections drop-old',
  summary: 'delete the generations of a projector that no longer serve',
  details: 'After that there is nothing to roll back to.',
  arguments: [['<projector>', 'its name']],
  options: [...addressOptions],
  examples: [['keyfold projections drop-old balances --yes', 'gives the space back']],
  data: objectOf({ dropped: whole }),
  async run(context, options, [projector = '']): Promise<Report> {
    await context.confirm(`delete the generations of ${projector} that no longer serve`)
    const client = operationsClient(options, context.world.env, context.signal)
    const answer = await client.post<{ readonly dropped: number }>(`/${encodeURIComponent(projector)}/drop-old`)
    return { data: answer, lines: [`${projector}: ${answer.dropped} deleted`] }
  },
})
