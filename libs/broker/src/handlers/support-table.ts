import type { Handler } from './handler.ts'

/** The APIs that are served, as the table in the README. */
export function supportTable(served: readonly Handler[]): string {
  const rows = served.map(({ api, versions: [min, max] }) => `| ${api.key} | ${api.name} | ${min}-${max} |`)
  return ['| key | API | versions |', '|---|---|---|', ...rows].join('\n')
}
