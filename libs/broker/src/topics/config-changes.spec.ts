import { describe, expect, it } from 'vitest'
import { BrokerConfig } from '../config/broker-config.ts'
import { changeConfigs, configOperations, replaceConfigs } from './config-changes.ts'
import { partitionConfigOf, topicConfigLayers } from './effective-config.ts'

const nothing = { present: new Map<string, string>(), inForce: () => undefined }

function outcome(changed: ReturnType<typeof changeConfigs>): string | Record<string, string> {
  return 'error' in changed ? changed.error.name : Object.fromEntries(changed.configs)
}

describe('statement 55: altering settings', () => {
  it('statement 55: AlterConfigs replaces everything', () => {
    expect(outcome(replaceConfigs('topic', [{ name: 'retention.ms', value: '5' }]))).toEqual({ 'retention.ms': '5' })
  })

  it.each([
    [
      'set',
      { name: 'segment.bytes', value: '2000000', configOperation: configOperations.set },
      { 'retention.ms': '1', 'segment.bytes': '2000000' },
    ],
    ['delete', { name: 'retention.ms', value: null, configOperation: configOperations.delete }, {}],
    [
      'append',
      { name: 'cleanup.policy', value: 'compact', configOperation: configOperations.append },
      { 'retention.ms': '1', 'cleanup.policy': 'delete,compact' },
    ],
    [
      'subtract',
      { name: 'cleanup.policy', value: 'delete', configOperation: configOperations.subtract },
      { 'retention.ms': '1', 'cleanup.policy': '' },
    ],
  ])('%s', (_, change, expected) => {
    const present = new Map([['retention.ms', '1']])
    expect(outcome(changeConfigs('topic', { present, inForce: () => undefined }, [change]))).toEqual(expected)
  })

  it.each([
    ['an unknown key', 'topic', { name: 'nonsense', value: '1', configOperation: 0 }, 'INVALID_CONFIG'],
    [
      'statement 55: an unknown key of the broker',
      'broker',
      { name: 'nonsense', value: '1', configOperation: 0 },
      'INVALID_CONFIG',
    ],
    ['text for a number', 'topic', { name: 'retention.ms', value: 'long', configOperation: 0 }, 'INVALID_CONFIG'],
    ['less than the least', 'topic', { name: 'segment.bytes', value: '100', configOperation: 0 }, 'INVALID_CONFIG'],
    [
      'a word that is no choice',
      'topic',
      { name: 'cleanup.policy', value: 'keep', configOperation: 0 },
      'INVALID_CONFIG',
    ],
    ['null', 'topic', { name: 'retention.ms', value: null, configOperation: 0 }, 'INVALID_REQUEST'],
    ['appending to a number', 'topic', { name: 'retention.ms', value: '1', configOperation: 2 }, 'INVALID_CONFIG'],
    ['an unknown operation', 'topic', { name: 'retention.ms', value: '1', configOperation: 9 }, 'INVALID_REQUEST'],
    [
      'what is fixed while the broker runs',
      'broker',
      { name: 'node.id', value: '2', configOperation: 0 },
      'INVALID_REQUEST',
    ],
  ] as const)('refuses %s', (_, kind, change, error) => {
    expect(outcome(changeConfigs(kind, nothing, [change]))).toBe(error)
  })
})

describe('where a value comes from', () => {
  const config = new BrokerConfig({ 'log.retention.ms': 7 })
  config.setDynamic(new Map([['log.retention.ms', '8']]))

  it('statement 55: the topic before the broker as altered, as started, and by default', () => {
    const layers = topicConfigLayers(config, new Map([['retention.ms', '9']]), 'retention.ms')
    expect(layers.map(({ key, value, source }) => [key, value, source])).toEqual([
      ['retention.ms', '9', 'topic'],
      ['log.retention.ms', '8', 'dynamicBroker'],
      ['log.retention.ms', '7', 'staticBroker'],
      ['log.retention.ms', '604800000', 'default'],
    ])
  })

  it('partitions act on the value in force', () => {
    expect(partitionConfigOf(config, new Map()).retentionMs).toBe(8)
    expect(partitionConfigOf(config, new Map([['cleanup.policy', 'compact']]))).toMatchObject({
      compacted: true,
      deletes: false,
    })
  })

  it('refuses to start with a setting that does not exist or does not fit', () => {
    expect(() => new BrokerConfig({ 'num.partition': 3 })).toThrow('There is no setting num.partition')
    expect(() => new BrokerConfig({ 'num.partitions': 'many' })).toThrow('Not a number')
  })
})
