import type { Cell, Column, Table } from './report.ts'

/** A table as lines for people: columns padded to their widest cell, headings in front. */
export function tableLines({ title, columns, rows }: Table, heading: (text: string) => string): readonly string[] {
  const cells = rows.map((row) => row.map(cellText))
  const widths = columns.map((column, at) =>
    cells.reduce((widest, row) => Math.max(widest, width(row[at] ?? '')), width(headingOf(column))),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => padded(text, widths[at] ?? 0, isRight(columns[at])))
      .join('  ')
      .trimEnd()
  const head = columns.length === 0 ? [] : [heading(line(columns.map(headingOf)))]
  return [...(title === undefined ? [] : [title]), ...head, ...cells.map(line)]
}

/** A table for programs that know no JSON: cells between tabs, no headings, no padding. */
export function plainLines({ rows }: Table): readonly string[] {
  return rows.map((row) => row.map((cell) => cellText(cell).replaceAll(/[\t\n\r]/g, ' ')).join('\t'))
}

/** Nothing is a hyphen, so that every row has all its cells for tools that split at blanks. */
function cellText(cell: Cell): string {
  return cell === null || cell === '' ? '-' : String(cell)
}

function headingOf(column: Column): string {
  return typeof column === 'string' ? column : column.heading
}

function isRight(column: Column | undefined): boolean {
  return typeof column === 'object'
}

function padded(text: string, to: number, right: boolean): string {
  const fill = ' '.repeat(Math.max(0, to - width(text)))
  return right ? fill + text : text + fill
}

const characters = new Intl.Segmenter()

/** What a reader counts, so that an emoji does not shift columns. */
function width(text: string): number {
  return Array.from(characters.segment(text)).length
}
