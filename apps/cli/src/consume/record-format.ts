import { InvalidArgumentError } from 'commander'
import { contentText, type RecordView } from './record-view.ts'
import { jsonText } from '../json-text.ts'

export type RecordFormat = (record: RecordView) => string

/** The words of `--format`. */
const WORDS: Readonly<Record<string, RecordFormat>> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => String(offset),
  k: ({ key }) => contentText(key),
  v: ({ value }) => contentText(value),
  T: ({ timestamp }) => timestamp,
  h: ({ headers }) => jsonText(headers),
  '%': () => '%',
}

/** Compiles a format such as `%p %o %k %v`; `\n` and `\t` are what they are elsewhere. */
export function parseRecordFormat(text: string): RecordFormat {
  const parts = [...text.matchAll(/%(.?)|\\([nt\\])|[^%\\]+|\\/gs)].map(([whole, word, escape]): RecordFormat => {
    if (word !== undefined) {
      const made = WORDS[word]
      if (made === undefined)
        throw new InvalidArgumentError(
          `%${word} is not known: give %t topic, %p partition, %o offset, %k key, %v value, %T time, %h headers, %%`,
        )
      return made
    }
    const fixed = escape === undefined ? whole : { n: '\n', t: '\t', '\\': '\\' }[escape as 'n' | 't' | '\\']
    return () => fixed
  })
  return (record) => parts.map((part) => part(record)).join('')
}

/** How a record looks when nobody says how. */
export const defaultFormat: RecordFormat = parseRecordFormat('%t/%p@%o\\t%T\\t%k\\t%v')
