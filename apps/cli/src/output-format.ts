/** The values of `-o`. */
export const OUTPUT_FORMATS = ['table', 'plain', 'json', 'ndjson'] as const

export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

export function isOutputFormat(text: string): text is OutputFormat {
  return OUTPUT_FORMATS.some((format) => format === text)
}
