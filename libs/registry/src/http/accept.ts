import { registryError } from '../registry-error.ts'

export const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'
/** In the order of preference. */
const ANSWER_TYPES = [CONTENT_TYPE, 'application/vnd.schemaregistry+json', 'application/json'] as const

/** The type of the answer, by the header `Accept`: what the client prefers among those there are. Throws 406. */
export function acceptedType(accept: string | undefined): string {
  if (accept === undefined || accept.trim() === '') return CONTENT_TYPE
  const ranges = accept
    .split(',')
    .map(parseRange)
    .sort((left, right) => right.quality - left.quality)
  for (const { range, quality } of ranges) {
    const found = quality > 0 ? ANSWER_TYPES.find((type) => matches(range, type)) : undefined
    if (found) return found
  }
  throw registryError('notAcceptable')
}

function parseRange(text: string): { readonly range: string; readonly quality: number } {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
  return { range, quality: Number.isFinite(quality) ? quality : 1 }
}

function matches(range: string, type: string): boolean {
  return range === type || range.startsWith('*') || range === 'application/*'
}
