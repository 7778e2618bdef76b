import type { NodeCapabilities } from '@keyfold/kafka'
import type { PreflightFinding } from './preflight-findings.ts'

/** Kafka's numbers of APIs. */
const addPartitionsToTxn = 24
const writeTxnMarkers = 27
const describeProducers = 61
const describeTransactions = 65
const transactionVersion = 'transaction.version'

interface NodeRule extends Pick<PreflightFinding, 'setting' | 'severity' | 'problem' | 'fix'> {
  /** What is found on a node that falls short; undefined when it does not. */
  readonly found: (node: NodeCapabilities) => string | undefined
}

/** What the writer needs, then what it is better off with. Of a node only the first rule that it falls short of is told. */
const rules: readonly NodeRule[] = [
  {
    setting: 'APIs',
    severity: 'danger',
    found: ({ incompatible }) => incompatible,
    problem: 'partitions that it leads cannot be written',
    fix: 'run Apache Kafka 2.3 or newer, or the bundled broker',
  },
  {
    setting: 'transactions that can be described and ended',
    severity: 'advice',
    found: ({ apis }) =>
      [describeTransactions, describeProducers, writeTxnMarkers].every((key) => apis.has(key)) ? undefined : 'none',
    problem: 'what a killed node forgets of a commit cannot be looked for, and may get lost',
    fix: 'run Apache Kafka 3.0 or newer; best 4.0 or newer',
  },
  {
    setting: 'verification of transactional writes',
    severity: 'advice',
    found: ({ apis }) => ((apis.get(addPartitionsToTxn) ?? 0) >= 4 ? undefined : 'none'),
    problem: 'a write that comes late may open a transaction that nobody ends, and readers wait for it',
    fix: 'run Apache Kafka 3.6 or newer; best 4.0 or newer',
  },
  {
    setting: transactionVersion,
    severity: 'advice',
    found: ({ features }) => below2(features.get(transactionVersion)?.supported),
    problem: 'a commit takes three round trips instead of two, and all transactions of an owner have one epoch',
    fix: `run Apache Kafka 4.0 or newer, then kafka-features upgrade --feature ${transactionVersion}=2`,
  },
  {
    setting: transactionVersion,
    severity: 'advice',
    found: ({ features }) => below2(features.get(transactionVersion)?.finalized),
    problem:
      'the nodes know version 2, in which a commit takes two round trips, not three, and has an epoch of its own',
    fix: `kafka-features upgrade --feature ${transactionVersion}=2`,
  },
]

/** What nodes lack: the same of several nodes is one finding. */
export function inspectNodes(nodes: readonly NodeCapabilities[]): readonly PreflightFinding[] {
  const short = nodes.flatMap((node) => {
    for (const rule of rules) {
      const value = rule.found(node)
      if (value !== undefined) return [{ rule, value, address: node.address }]
    }
    return []
  })
  return rules.flatMap((rule) => {
    const { setting, severity, problem, fix } = rule
    const byValue = Map.groupBy(
      short.filter((each) => each.rule === rule),
      ({ value }) => value,
    )
    return Array.from(byValue, ([value, of]) => {
      const addresses = of.map(({ address }) => address)
      return { nodes: addresses, setting, value, severity, problem, fix }
    })
  })
}

function below2(level: number | undefined): string | undefined {
  return (level ?? 0) >= 2 ? undefined : `${level ?? 0}`
}
