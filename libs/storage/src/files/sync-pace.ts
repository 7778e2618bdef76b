/** A sync that takes longer than this is one that other work should not wait for. */
const quickMsMax = 1
/** So many quick syncs one after the other make a disk quick; a single one that is not ends that. */
const quickSyncsMin = 8

/**
 * Whether the syncs of a disk are so quick, lately, that the calling thread had better wait for one than hand it to
 * another thread, which costs two changes of thread. A disk has to show it first, by syncs that block nobody, and after
 * each slow one again: at most one sync in nine is slow and blocks.
 */
export class SyncPace {
  #quickSyncs = 0

  get isQuick(): boolean {
    return this.#quickSyncs >= quickSyncsMin
  }

  /** A sync took so long, from the call until its caller knew. */
  note(durationMs: number): void {
    this.#quickSyncs = durationMs <= quickMsMax ? this.#quickSyncs + 1 : 0
  }
}
