import { cpus } from 'node:os'

/** What figures were taken on. */
export function machine(): string {
  return `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown processor'})`
}

/** The value below which the given share of the sorted sample lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(sample: readonly number[]): number {
  return percentile(ascending(sample), 0.5)
}

export function ascending(sample: readonly number[]): readonly number[] {
  return sample.toSorted((left, right) => left - right)
}

/** Rows of a table for people and for Markdown. */
export function printTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  process.stdout.write(`${title}\n\n${line(header)}${line(header.map(() => '---'))}${rows.map(line).join('')}\n`)
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
export const millis = (value: number): string => `${value.toFixed(1)} ms`
