/** A fenced block of a guide: its language, the words behind it, its text, and where the text stands. */
export interface GuideBlock {
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
  readonly start: number
  readonly end: number
  /** The heading above it. */
  readonly section: string
}

/** Every fenced block of a page, in order. */
export function guideBlocks(page: string): readonly GuideBlock[] {
  return Array.from(page.matchAll(/^```(\S*)(.*)\n([\s\S]*?)^```$/gm), (match) => {
    const [whole, language = '', rest = '', text = ''] = match
    const start = match.index + whole.indexOf('\n') + 1
    const section = [...page.slice(0, match.index).matchAll(/^## (.*)$/gm)].at(-1)?.[1] ?? ''
    return {
      language,
      words: rest.split(' ').filter((word) => word !== ''),
      text,
      start,
      end: start + text.length,
      section,
    }
  })
}
