/** ECMAScript 2026, in Node since version 21; not yet in TypeScript's library. */
interface JSON {
  /** A value that `JSON.stringify` writes as this text: a JSON primitive. */
  rawJSON(text: string): unknown
  /** `context.source` is the text of a number, string, boolean or null. */
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
}
