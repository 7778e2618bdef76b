import type { ParseQuestion } from './parse-rows.ts'

/** Schemas in which Avro Java does what nobody would guess. */
export const notable: readonly ParseQuestion[] = [
  // Comments are allowed, but not behind the end; nor is a space that is none to Java.
  '/* c */ {"type": // c\n "string"}',
  '"string" /* c */',
  '"string"\u00a0',
  '"string"\u0001',
  '',
  // Text is a number where a float is wanted, also for stored schemas.
  ...['NaN', '-Infinity', ' 1.5 ', '0x1p3', '1f', 'x', ''].map((text) => field('double', text)),
  field('float', '1e400'),
  field(['double', 'null'], 'NaN'),
  // Inside its own definition a name stands open: another type of the short name is found first.
  '[{"type":"fixed","name":"R","size":1},{"type":"record","name":"a.R","fields":[{"name":"f","type":"R"}]}]',
  '{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"fixed","name":"R","size":1}}]}',
  // The same definition twice, with other documentation, with itself inside.
  twice('{"type":"enum","name":"E","symbols":["A"]}', '{"type":"enum","name":"E","symbols":["A"],"doc":"d"}'),
  twice('{"type":"enum","name":"E","symbols":["A"],"p":1}', '{"type":"enum","name":"E","symbols":["A"],"p":1.0}'),
  ...[1, 2].map((times) =>
    twice(
      ...Array.from(
        { length: times },
        () => '{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}',
      ),
    ),
  ),
  // A name before its definition is a record without fields to defaults.
  '{"type":"record","name":"R","fields":[{"name":"a","type":"E","default":"A"},{"name":"b","type":{"type":"enum","name":"E","symbols":["A"]}}]}',
  '{"type":"record","name":"R","fields":[{"name":"a","type":"S","default":{}},{"name":"b","type":{"type":"record","name":"S","fields":[{"name":"x","type":"int","default":1}]}}]}',
  '{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"],"default":{"a":null}}]}',
  '["U",{"type":"enum","name":"U","symbols":["A"]}]',
  '"Nowhere"',
  // Integers of more than 64 bits are kept on some types and refused on others.
  '{"type":"record","name":"R","fields":[],"p":9223372036854775808}',
  '{"type":"fixed","name":"F","size":1,"p":9223372036854775808}',
  '{"type":"fixed","name":"F","size":2147483640}',
  // Names that are hard to take apart.
  ...['.A', 'x..A', 'A.', '.', '', 'int', 'x.int', 'ns.ſ'].map((name) => `{"type":"fixed","name":"${name}","size":1}`),
  '{"type":"fixed","name":"A","namespace":".","size":1,"aliases":[".B","x.C","D",""]}',
  '{"type":"fixed","name":"A","namespace":"x","size":1,"aliases":[".B","a-b.C","x.D","D"]}',
  // Half a character.
  '{"type":"enum","name":"E","symbols":["A"],"doc":"\\ud800 \\ud83d\\ude00 \\u001f"}',
  // Members twice, in another order, in capitals.
  '{"name":"F","size":1,"type":"fixed","size":2,"z":1,"10":2,"2":3}',
  '{"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"IGNORE"}]}',
].map((schema) => ({ ask: 'parse', schema }))

function field(type: unknown, fallback: unknown): string {
  return JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'f', type, default: fallback }] })
}

function twice(...types: readonly string[]): string {
  return `{"type":"record","name":"Top","fields":[${types.map((type, index) => `{"name":"f${index}","type":${type}}`).join(',')}]}`
}
