import type { Histogram } from './histogram.ts'
import { type MetricName, metrics, metricTable } from './metric-table.ts'

/** What a scrape answers with; Prometheus' text format 0.0.4. */
export const expositionContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Collects samples and writes them down in Prometheus' text format, the samples of one metric together. */
export class Exposition {
  readonly #seriesMax: number
  readonly #lines = new Map<MetricName, string[]>()
  readonly #omitted = new Map<MetricName, number>()

  /** Of each metric at most `seriesMax` samples are kept; `keyfold_broker_omitted_series` says how many more there were. */
  constructor(seriesMax: number) {
    this.#seriesMax = seriesMax
  }

  /** One sample, with the values of the labels in the order of the table. */
  sample(name: MetricName, value: number, ...labels: readonly (string | number)[]): void {
    this.#room(name)?.push(`${name}${labelSet(name, labels)} ${numeral(value)}\n`)
  }

  /** All samples of one histogram. */
  histogram(name: MetricName, { bounds, counts, sum, perBaseUnit }: Histogram, ...labels: readonly string[]): void {
    const lines = this.#room(name)
    if (lines === undefined) return
    let text = ''
    let count = 0
    for (const [at, inBucket] of counts.entries()) {
      count += inBucket
      const bound = bounds[at]
      const le = bound === undefined ? '+Inf' : numeral(bound / perBaseUnit)
      text += `${name}_bucket${labelSet(name, labels, le)} ${count}\n`
    }
    const set = labelSet(name, labels)
    lines.push(`${text}${name}_sum${set} ${numeral(sum / perBaseUnit)}\n${name}_count${set} ${count}\n`)
  }

  toString(): string {
    for (const [name, count] of this.#omitted) this.sample('keyfold_broker_omitted_series', count, name)
    let text = ''
    for (const [name, { type, help }] of metrics) {
      const lines = this.#lines.get(name)
      if (lines === undefined) continue
      text += `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
    }
    return text
  }

  #room(name: MetricName): string[] | undefined {
    let lines = this.#lines.get(name)
    if (lines === undefined) this.#lines.set(name, (lines = []))
    if (lines.length < this.#seriesMax) return lines
    this.#omitted.set(name, (this.#omitted.get(name) ?? 0) + 1)
    return undefined
  }
}

function labelSet(name: MetricName, values: readonly (string | number)[], le?: string): string {
  const { labels = [] } = metricTable[name] as { labels?: readonly string[] }
  if (labels.length !== values.length) throw new Error(`${name} has the labels ${labels.join(', ') || 'none'}`)
  const pairs = labels.map((label, n) => `${label}="${escapedLabel(String(values[n]))}"`)
  if (le !== undefined) pairs.push(`le="${le}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** A number as Go reads it. JavaScript's own form does but for the infinities. */
function numeral(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}

function escapedLabel(text: string): string {
  return text.replaceAll(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

function escapedHelp(text: string): string {
  return text.replaceAll(/[\\\n]/g, (character) => (character === '\n' ? '\\n' : '\\\\'))
}
