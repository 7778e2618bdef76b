/** What `work` comes to, or what `late` answers or throws when that takes longer. The work itself goes on. */
export async function withDeadline<Result>(work: Promise<Result>, ms: number, late: () => Result): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  const timer = setTimeout(() => {
    try {
      resolve(late())
    } catch (error) {
      reject(error)
    }
  }, ms)
  work.then(resolve, reject)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
