import Encoder from 'kafkajs/src/protocol/encoder.js'
import { KafkaSchemaLog } from '../../../libs/registry/src/log/kafka-schema-log.ts'
import { LogFollower } from '../../../libs/registry/src/log/log-follower.ts'

/*
 * Faults that registries have had, put into this one from outside: nothing in the product knows of them. They show that
 * the lane would find such a fault.
 */

/** Puts a bug in, for as long as the process lives. */
type PlantedBug = () => void

export const plantedBugs = {
  /** The next id and version come from a state that may lack what was written last. */
  'decides on a state that is not up to date': () => {
    const { append } = KafkaSchemaLog.prototype
    const { applied } = LogFollower.prototype
    let appending = 0
    KafkaSchemaLog.prototype.append = function (writes) {
      appending += 1
      return append.call(this, writes).finally(() => (appending -= 1))
    }
    LogFollower.prototype.applied = function (offset) {
      return appending > 0 ? Promise.resolve() : applied.call(this, offset)
    }
  },

  /** A crash takes what was acknowledged, and the ids are given again. */
  'answers before the log has it': () => {
    const { append } = KafkaSchemaLog.prototype
    let last: Promise<unknown> = Promise.resolve()
    KafkaSchemaLog.prototype.append = function (writes) {
      // One after the other all the same: the producer takes no more than that.
      last = last.then(() => append.call(this, writes)).catch(() => undefined)
      return Promise.resolve(this.position)
    }
  },

  /** Every process has a transactional id of its own, so that a writer that was away goes on writing. */
  'does not fence the writer before': () => {
    const { writeString } = Encoder.prototype
    Encoder.prototype.writeString = function (text) {
      return writeString.call(this, text?.startsWith('keyfold.registry.') === true ? `${text}.${process.pid}` : text)
    }
  },

  /** A lost answer of the log is taken for a yes. */
  'takes silence for success': () => {
    const { append } = KafkaSchemaLog.prototype
    KafkaSchemaLog.prototype.append = function (writes) {
      return append.call(this, writes).catch(() => this.position)
    }
  },
} satisfies Record<string, PlantedBug>

export type PlantedBugName = keyof typeof plantedBugs
