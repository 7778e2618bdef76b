/** Ways to build the protocol wrong. Each must be found by the exploration. */
export const mutations = [
  /** Every process has a transactional id of its own: the one before is not fenced. */
  'no fencing',
  /** The end of the log is asked for before the fence, not after it. */
  'no re-read after the fence',
  /** A rejection is told as soon as it is decided. */
  'rejections not held',
  /** Everything is told as soon as it is decided. */
  'replies before the commit',
  /** Nothing is written at a claim, and no claim is looked for. */
  'no claim record',
  /** A claim whose commit was not answered counts as never made: the writer may take back what another one has. */
  'an uncertain claim is forgotten',
  /** Command ids of the log are not remembered at a claim. */
  'command ids lost at a restart',
  /** After an unknown outcome the same producer goes on. */
  'same producer after an unknown outcome',
  /** After an unknown outcome the batch is decided anew at once, on what was read before. */
  'no new claim after an unknown outcome',
  /** The overlay of a batch that was refused is decided on. */
  'overlay of an aborted batch kept',
  /** The local store is written before the commit, and trusted. */
  'local store beyond the log',
  /** Nobody looks for a transaction that was decided and not ended. */
  'what a node forgot is left',
  /** A writer that was fenced goes on to answer from what it remembers. */
  'answers after it was fenced',
  /** An unknown outcome is told as failed. */
  'unknown told as failed',
] as const

export type Mutation = (typeof mutations)[number]
