/** Lets everything that waits have its turn before the rest of some long work. */
export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
