/** A metric as a scrape shows it. */
export interface ParsedMetric {
  readonly type: string
  readonly help: string
  /** By the labels in order, as they stand between the braces; the name's suffix first for histograms. */
  readonly samples: ReadonlyMap<string, number>
}

const namePattern = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"'
const samplePattern = new RegExp(`^(${namePattern})(?:\\{(${label}(?:,${label})*)\\})? (\\S+)$`)
const valuePattern = /^(?:[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/
const suffixes = { histogram: ['_bucket', '_sum', '_count'], counter: [''], gauge: [''] } as const

/**
 * Reads Prometheus' text format 0.0.4 and throws at whatever is not strictly so: every metric once, HELP then TYPE then
 * its samples; no sample twice; counters named `_total`; buckets that grow and end with +Inf, which equals the count.
 */
export function parsePrometheusText(text: string): Map<string, ParsedMetric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const metrics = new Map<string, ParsedMetric & { readonly samples: Map<string, number> }>()
  let help: { name: string; text: string } | undefined
  let current: { name: string; type: keyof typeof suffixes; samples: Map<string, number> } | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = new RegExp(`^# (HELP|TYPE) (${namePattern}) (.+)$`).exec(line)
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment
      if (kind === 'HELP') {
        if (metrics.has(name)) throw new Error(`${name} comes twice`)
        help = { name, text: rest }
        continue
      }
      if (help?.name !== name || metrics.has(name)) throw new Error(`TYPE of ${name} without its HELP before`)
      if (!isType(rest)) throw new Error(`${name} is a ${rest}`)
      if ((rest === 'counter') !== name.endsWith('_total')) throw new Error(`a ${rest} named ${name}`)
      current = { name, type: rest, samples: new Map() }
      metrics.set(name, { type: rest, help: help.text, samples: current.samples })
      continue
    }
    const sample = samplePattern.exec(line)
    if (sample === null || current === undefined) throw new Error(`no sample: ${line}`)
    const [, full = '', labels = '', value = ''] = sample
    const suffix = full.slice(current.name.length)
    const isOfMetric = full.startsWith(current.name) && (suffixes[current.type] as readonly string[]).includes(suffix)
    if (!isOfMetric) throw new Error(`${full} below ${current.name}`)
    if (!valuePattern.test(value)) throw new Error(`no number: ${line}`)
    const key = suffix + labels
    if (current.samples.has(key)) throw new Error(`twice: ${line}`)
    current.samples.set(key, Number(value.replace('Inf', 'Infinity')))
  }
  for (const [name, { type, samples }] of metrics) {
    if (samples.size === 0) throw new Error(`${name} has no samples`)
    if (type === 'histogram') checkHistogram(name, samples)
  }
  return metrics
}

/** A label's text as it was before it was escaped. */
export function unescapedLabel(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
}

function isType(text: string): text is keyof typeof suffixes {
  return Object.hasOwn(suffixes, text)
}

function checkHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  const last = new Map<string, { le: number; count: number }>()
  for (const [key, count] of samples) {
    const bucket = /^_bucket(.*?),?le="([^"]+)"$/.exec(key)
    if (bucket === null) continue
    const [, labels = '', bound = ''] = bucket
    const before = last.get(labels)
    const le = Number(bound.replace('Inf', 'Infinity'))
    if (before !== undefined && (le <= before.le || count < before.count)) throw new Error(`${name}${labels} falls`)
    last.set(labels, { le, count })
  }
  if (last.size === 0) throw new Error(`${name} has no buckets`)
  for (const [labels, { le, count }] of last) {
    if (le !== Number.POSITIVE_INFINITY || samples.get(`_count${labels}`) !== count || !samples.has(`_sum${labels}`)) {
      throw new Error(`${name}{${labels}} does not end with +Inf, sum and count`)
    }
  }
}
