import { describe, expect, it } from 'vitest'
import { parsePrometheusText } from '../testing/prometheus-text.ts'
import { Exposition } from './exposition.ts'
import { Histogram } from './histogram.ts'

describe("Prometheus' text format", () => {
  it('has each metric once, in the order of the table, with help, type and all its samples', () => {
    const exposition = new Exposition(10)
    exposition.sample('keyfold_broker_topic_log_bytes', 1, 'a')
    exposition.sample('keyfold_broker_ready', 1)
    exposition.sample('keyfold_broker_topic_log_bytes', 2.5, 'b')
    expect(exposition.toString().split('\n')).toEqual([
      '# HELP keyfold_broker_ready 1 if /ready answers 200, else 0.',
      '# TYPE keyfold_broker_ready gauge',
      'keyfold_broker_ready 1',
      '# HELP keyfold_broker_topic_log_bytes Bytes of the logs of a topic.',
      '# TYPE keyfold_broker_topic_log_bytes gauge',
      'keyfold_broker_topic_log_bytes{topic="a"} 1',
      'keyfold_broker_topic_log_bytes{topic="b"} 2.5',
      '',
    ])
  })

  it('escapes what clients may call a group', () => {
    const exposition = new Exposition(10)
    exposition.sample('keyfold_broker_group_members', 3, 'a"b\\c\nd{e="f"} 1')
    expect(exposition.toString()).toContain('{group="a\\"b\\\\c\\nd{e=\\"f\\"} 1"} 3\n')
    expect(parsePrometheusText(exposition.toString()).get('keyfold_broker_group_members')?.samples.size).toBe(1)
  })

  it('writes a histogram with buckets that add up, its sum and its count, in the base unit', () => {
    const milliseconds = new Histogram([1, 10, 100], 1000)
    for (const value of [0.5, 1, 7, 1000]) milliseconds.observe(value)
    const exposition = new Exposition(10)
    exposition.histogram('keyfold_broker_request_duration_seconds', milliseconds, 'Fetch')
    const metric = parsePrometheusText(exposition.toString()).get('keyfold_broker_request_duration_seconds')
    expect([...(metric?.samples ?? [])]).toEqual([
      ['_bucketapi="Fetch",le="0.001"', 2],
      ['_bucketapi="Fetch",le="0.01"', 3],
      ['_bucketapi="Fetch",le="0.1"', 3],
      ['_bucketapi="Fetch",le="+Inf"', 4],
      ['_sumapi="Fetch"', 1.0085],
      ['_countapi="Fetch"', 4],
    ])
  })

  it('keeps a bounded number of samples of each metric, and says how many it left out', () => {
    const exposition = new Exposition(2)
    for (const topic of ['a', 'b', 'c', 'd', 'e']) exposition.sample('keyfold_broker_topic_log_bytes', 1, topic)
    for (const group of ['g', 'h', 'i']) exposition.sample('keyfold_broker_group_members', 1, group)
    const metrics = parsePrometheusText(exposition.toString())
    expect(metrics.get('keyfold_broker_topic_log_bytes')?.samples.size).toBe(2)
    expect([...(metrics.get('keyfold_broker_omitted_series')?.samples ?? [])]).toEqual([
      ['metric="keyfold_broker_topic_log_bytes"', 3],
      ['metric="keyfold_broker_group_members"', 1],
    ])
  })

  it('refuses a sample with other labels than the table has', () => {
    expect(() => new Exposition(1).sample('keyfold_broker_topic_log_bytes', 1)).toThrow('has the labels topic')
  })
})

describe('the parser of these tests', () => {
  const head = '# HELP a_b x\n# TYPE a_b gauge\n'
  it.each([
    ['a sample without its metric', 'a_b 1\n'],
    ['a last line without end', `${head}a_b 1`],
    ['a sample twice', `${head}a_b 1\na_b 1\n`],
    ['a metric twice', `${head}a_b 1\n${head}a_b 2\n`],
    ['a quote in a label', `${head}a_b{c="d"e"} 1\n`],
    ['a number that is none', `${head}a_b 1,5\n`],
    ['a foreign sample', `${head}c_d 1\n`],
    ['a counter without _total', '# HELP a_b x\n# TYPE a_b counter\na_b 1\n'],
    ['a histogram without its end', '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n'],
    [
      'buckets that fall',
      '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    ],
  ])('refuses %s', (_, text) => {
    expect(() => parsePrometheusText(text)).toThrow()
  })
})
