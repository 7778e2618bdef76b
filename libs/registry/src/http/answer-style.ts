/** How much clients are told. Clients of every age read both; some tests and tools compare answers to the letter. */
export interface AnswerStyle {
  /**
   * `7.x` leaves out what Confluent's registry added with version 8: guid, time, deletion mark, the schema type where
   * it is Avro, and on registering everything but the id. Default `8.x`.
   */
  readonly members: '7.x' | '8.x'
  /** The `error_code` of a schema that is not compatible: 409 until the end of 2025, 40901 since. Default 409. */
  readonly incompatibleCode: 409 | 40901
}

export const DEFAULT_STYLE: AnswerStyle = { members: '8.x', incompatibleCode: 409 }
