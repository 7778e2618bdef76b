/** A place at which two answers differ. */
export interface Difference {
  readonly path: string
  readonly kafka: unknown
  readonly ours: unknown
}

/** Every innermost place at which two values differ, as paths like `topics[0].errorCode`. */
export function differences(kafka: unknown, ours: unknown, path = ''): readonly Difference[] {
  if (Array.isArray(kafka) && Array.isArray(ours)) {
    // Of different length they are shown whole: the places after the first gap would say nothing.
    if (kafka.length !== ours.length) return [{ path, kafka, ours }]
    return kafka.flatMap((each, index) => differences(each, ours[index], `${path}[${index}]`))
  }
  if (isRecord(kafka) && isRecord(ours)) {
    const keys = [...new Set([...Object.keys(kafka), ...Object.keys(ours)])]
    return keys.flatMap((key) => differences(kafka[key], ours[key], path === '' ? key : `${path}.${key}`))
  }
  return Object.is(kafka, ours) ? [] : [{ path, kafka, ours }]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
