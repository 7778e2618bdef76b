import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { explainedCodes, explanationOf } from '../explain-error.ts'
import { EXIT } from '../exit-codes.ts'
import { listOf, objectOf, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'

export const explain = defineCommand({
  path: 'explain',
  summary: 'say what an error code means and what to do about it',
  arguments: [['[code]', 'such as KAFKA_UNREACHABLE; without it, all codes']],
  examples: [
    ['keyfold explain KAFKA_UNREACHABLE', 'what the error means, why it happens, what to do'],
    ['keyfold explain', 'every code with its exit code'],
  ],
  data: listOf(objectOf({ code: text, exitCode: whole, why: text, fix: text })),
  async run(_context, _options, [code]): Promise<Report> {
    const rows = (code === undefined ? explainedCodes : [code.toUpperCase()]).map(explained)
    if (code !== undefined) return { data: rows, lines: rows.flatMap(pageOf), ids: rows.map((row) => row.code) }
    return {
      data: rows,
      ids: rows.map((row) => row.code),
      tables: [
        {
          columns: ['CODE', { heading: 'EXIT', right: true }, 'WHY'],
          rows: rows.map((row) => [row.code, row.exitCode, row.why]),
        },
      ],
    }
  },
})

interface Explained {
  readonly code: string
  readonly exitCode: number
  readonly why: string
  readonly fix: string
}

function explained(code: string): Explained {
  const row = explanationOf(code)
  if (row === undefined) throw new CliError('USAGE', `no error has the code ${code}`, 'keyfold explain lists them all')
  return { code, exitCode: EXIT[row.exit], why: row.why, fix: row.fix }
}

function pageOf({ code, exitCode, why, fix }: Explained): readonly string[] {
  return [`${code} (exit code ${exitCode})`, `Why: ${why}.`, `Fix: ${fix}.`]
}
