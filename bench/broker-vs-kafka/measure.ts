/** A broker to measure, with the settings of the topics that are made on it. */
export interface Target {
  readonly name: TargetName
  readonly address: string
  readonly topicConfig: Readonly<Record<string, string>>
}

export const targetNames = ['bundled broker, synced', 'Kafka, not synced', 'Kafka, flush.messages=1'] as const
export type TargetName = (typeof targetNames)[number]

/** How much of everything: short runs say less, and let others use the machine. */
export interface Amounts {
  readonly rounds: number
  /** Of 100 bytes; a tenth of that of 1 KB. */
  readonly records: number
  readonly seconds: number
  readonly memoryMib: number
}

/** One figure, measured on every target in turn. */
export interface Measure {
  readonly part: 'a' | 'b' | 'c' | 'd' | 'e' | 'f'
  readonly name: string
  readonly unit: string
  readonly isBetter: 'higher' | 'lower'
  readonly run: (target: Target, amounts: Amounts) => Promise<number>
}

let topics = 0

/** A topic name that no run of this process has used. */
export function freshTopic(): string {
  topics += 1
  return `bench-${topics}`
}
