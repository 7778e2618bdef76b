/** What came of asking both the same. */
export type Comparison =
  | { readonly outcome: 'same'; readonly messages?: readonly [ours: string, java: string] | undefined }
  | { readonly outcome: 'skipped' }
  | { readonly outcome: 'different'; readonly ours: unknown; readonly java: unknown }

/** Counts comparisons of one kind and keeps the first differences to show. */
export class Tally {
  readonly #name: string
  readonly #examples: string[] = []
  readonly #messages = new Map<string, number>()
  #skipped = 0
  same = 0
  different = 0

  constructor(name: string) {
    this.#name = name
  }

  add(question: object, comparison: Comparison): void {
    if (comparison.outcome === 'skipped') this.#skipped++
    else if (comparison.outcome === 'same') {
      this.same++
      if (comparison.messages) this.#addMessages(comparison.messages)
    } else {
      this.different++
      if (this.#examples.length < EXAMPLES_MAX) {
        const { ours, java } = comparison
        this.#examples.push([question, ours, java].map((value) => JSON.stringify(value)).join('\n  '))
      }
    }
  }

  #addMessages([ours, java]: readonly [string, string]): void {
    const kind = `${kindOf(ours)} ← ${kindOf(java)}`
    this.#messages.set(kind, (this.#messages.get(kind) ?? 0) + 1)
  }

  report(withMessages: boolean): string {
    const lines = [
      `${this.#name}: ${this.same} the same, ${this.different} different, ${this.#skipped} left out on purpose`,
    ]
    for (const example of this.#examples) lines.push(`- ${example}`)
    if (withMessages) {
      const kinds = [...this.#messages].sort(([, left], [, right]) => right - left)
      for (const [kind, count] of kinds.slice(0, MESSAGES_MAX)) lines.push(`  ${count} messages: ${kind}`)
    }
    return lines.join('\n')
  }
}

const EXAMPLES_MAX = 10
const MESSAGES_MAX = 40

function kindOf(message: string): string {
  return message.replace(/[:"'(].*/s, '').slice(0, 60)
}
