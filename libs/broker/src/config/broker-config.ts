import { BrokerError } from '../errors.ts'
import { type BrokerConfigKey, brokerConfigDefinition, brokerConfigs } from './broker-configs.ts'
import { configProblem } from './config-definition.ts'

/** Where a value comes from, with Kafka's number for it (DescribeConfigs v1+). */
export const configSources = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  group: 8,
} as const
export type ConfigSource = keyof typeof configSources

/**
 * The settings in force: what was altered at run time (for this node before what was altered for every node; journaled
 * by the topic catalog) before what the broker was started with before the defaults of the table.
 */
export class BrokerConfig {
  readonly #static: ReadonlyMap<string, string>
  readonly #dynamic = new Map<string, string>()
  readonly #dynamicDefaults = new Map<string, string>()

  /** Throws `BrokerError` CONFIG_INVALID for an unknown key or a value that does not fit. */
  constructor(settings: Readonly<Record<string, string | number | boolean>> = {}) {
    const entries = Object.entries(settings).map(([key, value]): [string, string] => [key, String(value)])
    for (const [key, value] of entries) {
      const definition = brokerConfigDefinition(key)
      if (definition === undefined) throw new BrokerError('CONFIG_INVALID', `There is no setting ${key}`)
      const problem = configProblem(key, definition, value)
      if (problem !== undefined) throw new BrokerError('CONFIG_INVALID', problem)
    }
    this.#static = new Map(entries)
    const factor = this.number('default.replication.factor')
    if (factor > this.number('keyfold.virtual.brokers')) {
      const text = `default.replication.factor ${factor} needs as many keyfold.virtual.brokers`
      throw new BrokerError('CONFIG_INVALID', text)
    }
  }

  text(key: BrokerConfigKey): string {
    const altered = this.#dynamic.get(key) ?? this.#dynamicDefaults.get(key)
    return altered ?? this.#static.get(key) ?? brokerConfigs[key].default
  }

  number(key: BrokerConfigKey): number {
    return Number(this.text(key))
  }

  boolean(key: BrokerConfigKey): boolean {
    return this.text(key) === 'true'
  }

  /** Every value that is set for a key, the one in force first. */
  layers(key: string): { source: ConfigSource; value: string }[] {
    const layers: { source: ConfigSource; value: string }[] = []
    const dynamic = this.#dynamic.get(key)
    if (dynamic !== undefined) layers.push({ source: 'dynamicBroker', value: dynamic })
    const forAll = this.#dynamicDefaults.get(key)
    if (forAll !== undefined) layers.push({ source: 'dynamicDefaultBroker', value: forAll })
    const fixed = this.#static.get(key)
    if (fixed !== undefined) layers.push({ source: 'staticBroker', value: fixed })
    const definition = brokerConfigDefinition(key)
    if (definition !== undefined) layers.push({ source: 'default', value: definition.default })
    return layers
  }

  /** What was altered for this node. */
  get dynamic(): ReadonlyMap<string, string> {
    return this.#dynamic
  }

  /** What was altered for every node. */
  get dynamicDefaults(): ReadonlyMap<string, string> {
    return this.#dynamicDefaults
  }

  /** Takes validated values; replaces all that were altered before. */
  setDynamic(values: ReadonlyMap<string, string>): void {
    replace(this.#dynamic, values)
  }

  /** The same for every node. */
  setDynamicDefaults(values: ReadonlyMap<string, string>): void {
    replace(this.#dynamicDefaults, values)
  }
}

function replace(target: Map<string, string>, values: ReadonlyMap<string, string>): void {
  target.clear()
  for (const [key, value] of values) target.set(key, value)
}
