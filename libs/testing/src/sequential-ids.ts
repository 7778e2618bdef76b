/** Ids in the form of UUID version 7 that count up: …0001, …0002. The same in every run of a test. */
export function sequentialIds(): () => string {
  let last = 0
  return () => {
    last += 1
    return `00000000-0000-7000-8000-${last.toString(16).padStart(12, '0')}`
  }
}
