/** Kafka's rules for topic names. */
const legal = /^[a-zA-Z0-9._-]+$/
const topicNameLengthMax = 249

/** What is wrong with a name, undefined if nothing is. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '.' or '..' is not allowed`
  if (name.length > topicNameLengthMax) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${topicNameLengthMax}`
  }
  if (!legal.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return undefined
}

/** Two names collide when they differ only in `.` and `_`: Kafka's metric names cannot tell them apart. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}
