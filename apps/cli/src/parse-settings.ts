import { InvalidArgumentError } from 'commander'

/** Collects `key=value` over several uses of an option. */
export function parseSetting(text: string, before: unknown): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Give key=value, such as retention.ms=-1')
  return { ...(before as Readonly<Record<string, string>> | undefined), [text.slice(0, at)]: text.slice(at + 1) }
}

/** Collects words over several uses of an option. */
export function parseWords(text: string, before: unknown): readonly string[] {
  const words = text.split(',').map((word) => word.trim())
  if (words.includes('')) throw new InvalidArgumentError('Give names with commas between them')
  return [...((before as readonly string[] | undefined) ?? []), ...words]
}
