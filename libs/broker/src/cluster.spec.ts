import { describe, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'
import type { Topic } from './topics/topic.ts'

function clusterOf(count: number): Cluster {
  return new Cluster(Array.from({ length: count }, (_, n) => ({ nodeId: n + 1, host: 'localhost', port: 9092 + n })))
}

function topicOf(replicationFactor: number, assignments: [number, number[]][] = []): Topic {
  const rest = { configs: new Map<string, string>(), isInternal: false }
  return { name: 'orders', id: 'id', partitionCount: 6, replicationFactor, assignments: new Map(assignments), ...rest }
}

describe('a cluster', () => {
  it('of one node has everything there, whatever was assigned when there were more', () => {
    const cluster = clusterOf(1)
    expect(cluster.replicasOf(topicOf(3, [[0, [2, 3]]]), 0)).toEqual([1])
    expect(cluster.coordinatorOf('any').nodeId).toBe(1)
  })

  it('spreads the leaders of a topic evenly, each with as many different replicas as asked for', () => {
    const cluster = clusterOf(3)
    const topic = topicOf(2)
    const replicas = [0, 1, 2, 3, 4, 5].map((partition) => cluster.replicasOf(topic, partition))
    expect(replicas.map(([leader = 0]) => leader).toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3])
    for (const each of replicas) expect(new Set(each).size).toBe(2)
    expect(cluster.leaderOf(topic, 4).nodeId).toBe(replicas[4]?.[0])
  })

  it('keeps to a manual assignment as far as its nodes exist', () => {
    const cluster = clusterOf(2)
    expect(cluster.replicasOf(topicOf(2, [[0, [2, 1]]]), 0)).toEqual([2, 1])
    expect(cluster.replicasOf(topicOf(2, [[0, [3, 1]]]), 0)).toEqual([1])
    expect(cluster.replicasOf(topicOf(1, [[0, [3]]]), 0)).toHaveLength(1)
  })

  it('uses every node as a coordinator, and always the same one for a key', () => {
    const cluster = clusterOf(3)
    const groups = Array.from({ length: 50 }, (_, n) => `group-${n}`)
    const coordinators = groups.map((group) => cluster.coordinatorOf(group).nodeId)
    expect(new Set(coordinators)).toEqual(new Set([1, 2, 3]))
    expect(groups.map((group) => clusterOf(3).coordinatorOf(group).nodeId)).toEqual(coordinators)
  })
})
