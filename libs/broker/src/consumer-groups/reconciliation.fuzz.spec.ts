import { array, assert, constantFrom, nat, property, record } from 'fast-check'
import { expect, it } from 'vitest'
import { ConsumerGroupRehearsal, type Heard } from '../testing/consumer-group-rehearsal.ts'

/** A consumer as KIP-848 has it: gives up what it is not told to have, uses what it is told, reports what it owns. */
class Consumer {
  readonly id: string
  readonly #name: string
  readonly #group: ConsumerGroupRehearsal
  owned: readonly number[] = []
  #epoch = 0
  /** Set while it cannot know what it has been told: then it says everything, to be told everything. */
  #isUnsure = false

  /** `name` is that of its group and of the topic it reads. */
  constructor(id: string, name: string, group: ConsumerGroupRehearsal) {
    this.id = id
    this.#name = name
    this.#group = group
  }

  /** One heartbeat; the answer may get lost on its way. */
  beat(isLost = false): void {
    const groupId = this.#name
    const owned: Record<string, number[]> = this.owned.length === 0 ? {} : { [this.#name]: [...this.owned] }
    const everything = this.#isUnsure ? { rebalanceTimeoutMs: 60_000, subscribedTopicNames: [groupId] } : {}
    const saying = { groupId, memberEpoch: this.#epoch, owned, ...everything }
    const joining = { groupId, subscribedTopicNames: [groupId] }
    const heard = this.#epoch === 0 ? this.#group.join(this.id, joining) : this.#group.beat(this.id, saying)
    this.#isUnsure = isLost
    if (!isLost) this.#hear(heard)
  }

  leave(): void {
    if (this.#epoch > 0) this.#group.beat(this.id, { groupId: this.#name, memberEpoch: -1 })
    this.owned = []
    this.#epoch = 0
  }

  #hear({ error, epoch = 0, assigned }: Heard): void {
    if (error !== 'NONE') {
      expect(['FENCED_MEMBER_EPOCH', 'UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND']).toContain(error)
      this.owned = []
      this.#epoch = 0
      return
    }
    this.#epoch = epoch
    if (assigned !== undefined) this.owned = assigned[this.#name] ?? []
  }
}

const steps = array(
  record({ member: nat({ max: 4 }), what: constantFrom('beat', 'beat', 'beat', 'lose', 'lose', 'leave', 'grow') }),
  { maxLength: 60 },
)

it('statement 73: no partition ever has two users, and in the end every one has one', async () => {
  const group = await ConsumerGroupRehearsal.open()
  let runs = 0
  assert(
    property(steps, (script) => {
      const name = `run-${runs++}`
      group.createTopic(name, 5)
      const topic = () => group.broker.catalog.get(name)
      const consumers = Array.from({ length: 5 }, (_, index) => new Consumer(`m${index}`, name, group))
      const expectDisjoint = () => {
        const used = consumers.flatMap(({ owned }) => owned)
        expect(new Set(used).size).toBe(used.length)
        return used
      }
      for (const { member, what } of script) {
        const [consumer, present] = [consumers[member], topic()]
        if (what === 'leave') consumer?.leave()
        else if (what !== 'grow') consumer?.beat(what === 'lose')
        else if (present !== undefined) group.broker.catalog.addPartitions(present, present.partitionCount + 1)
        expectDisjoint()
      }
      for (let round = 0; round < 6; round++) for (const consumer of consumers) consumer.beat()
      expect(group.state(name)).toMatch(/^Stable /)
      expect(expectDisjoint()).toHaveLength(topic()?.partitionCount ?? 0)
    }),
  )
  await group.broker.close()
})
