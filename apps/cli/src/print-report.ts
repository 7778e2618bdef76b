import type { Context } from './context.ts'
import type { Envelope } from './envelope.ts'
import { failureEnvelope } from './failure.ts'
import { jsonText } from './json-text.ts'
import type { Report } from './report.ts'
import { plainLines, tableLines } from './table-layout.ts'

/** Prints what a command found out, in the format that was asked for. */
export function printReport(context: Context, report: Report | undefined): void {
  const { world, settings, stream } = context
  for (const diagnostic of report?.diagnostics ?? []) context.diagnose(diagnostic)
  if (stream.isAnnounced) return
  if (settings.format === 'json') {
    const data = stream.isOpen ? stream.held : (report?.data ?? null)
    printEnvelope(context, { version: 1, status: report?.status ?? 'ok', data, diagnostics: context.diagnostics })
    return
  }
  if (stream.isOpen || report === undefined) return
  const lines = settings.isQuiet && report.ids !== undefined ? report.ids : linesOf(context, report)
  for (const line of lines) world.out(line)
}

/** A failure is an envelope, too, so that programs have one thing to read. The line on stderr is not its business. */
export function printFailure(context: Context, error: unknown): void {
  if (context.settings.format !== 'json' || context.stream.isAnnounced) return
  printEnvelope(context, failureEnvelope(error, context.diagnostics))
}

function printEnvelope({ world }: Context, envelope: Envelope): void {
  world.out(jsonText(envelope, 2))
}

function linesOf({ settings, style }: Context, report: Report): readonly string[] {
  const { lines = [], tables = [], data } = report
  if (settings.format === 'ndjson')
    return (report.items ?? (Array.isArray(data) ? (data as readonly unknown[]) : [data])).map((item) => jsonText(item))
  if (settings.format === 'plain') return [...(tables.length === 0 ? lines : []), ...tables.flatMap(plainLines)]
  return [
    ...lines,
    ...tables.flatMap((table, at) => [
      ...(at > 0 || lines.length > 0 ? [''] : []),
      ...tableLines(table, style.heading),
    ]),
  ]
}
