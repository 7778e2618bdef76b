import type { PartitionWrite } from '@keyfold/kafka'
import type { Claim, WriterContext } from './claim.ts'

/**
 * Whether a claim has really read everything. It rests on the end that the cluster named, and a cluster that has just
 * lost a node may name one below what is committed. So the first events under a claim have to be stored exactly at that
 * end: if they are not, something that they were decided without came before them, and nothing of them may be seen.
 */
export class ClaimProof {
  readonly #context: WriterContext
  /** The claim under which events have been stored where they had to be. */
  #proven: Claim | undefined

  constructor(context: WriterContext) {
    this.#context = context
  }

  /** The writes of a batch, as they may be committed. */
  demand(claim: Claim, writes: readonly PartitionWrite[]): readonly PartitionWrite[] {
    if (this.#proven === claim) return writes
    return writes.map((write) => (this.#isEvents(write) ? { ...write, expectedOffset: claim.endOffset } : write))
  }

  /** Events were committed under the claim. */
  given(claim: Claim, writes: readonly PartitionWrite[]): void {
    if (writes.some((write) => this.#isEvents(write))) this.#proven = claim
  }

  /** Whether answers without events may be given: nothing shows that the claim has missed something. */
  async holdsWithoutEvents(claim: Claim, writes: readonly PartitionWrite[]): Promise<boolean> {
    if (this.#proven === claim || writes.some((write) => this.#isEvents(write))) return true
    const { kafka, aggregate, partition } = this.#context
    try {
      return (await kafka.endOffsets(aggregate.topic, 'committed'))[partition] === claim.endOffset
    } catch {
      // Whoever cannot be asked cannot confirm it: the partition is claimed again.
      return false
    }
  }

  #isEvents({ topic }: PartitionWrite): boolean {
    return topic === this.#context.aggregate.topic
  }
}

/** Whether a commit came to nothing because its claim had not read everything. */
export function isMisplaced(error: Error): boolean {
  return (error as { readonly code?: unknown }).code === 'OFFSET_UNEXPECTED'
}
