import type { Metadata } from '../state/metadata.ts'
import type { CompatibilityTest } from './compatibility.ts'

/**
 * Names that a subject keeps for later, in the property `confluent:reserved` of its metadata. With `validateFields` set
 * no schema may have a field of such a name, and none may be given up.
 */
export function reservedFieldMessages({ config, candidate, history }: CompatibilityTest): readonly string[] {
  if (config.validateFields !== true) return []
  const reserved = reservedFields(candidate.metadata)
  const removed = reservedFields(history.at(-1)?.metadata).filter((name) => !reserved.includes(name))
  const { root } = candidate.parsed
  const fields = root.kind === 'record' ? root.fields.map(({ name }) => name) : []
  return [
    ...removed.map(
      (name) =>
        `The new schema has reserved field ${name} removed from its metadata which is present in the old schema's metadata.`,
    ),
    ...reserved
      .filter((name) => fields.includes(name))
      .map((name) => `The new schema has field that conflicts with the reserved field ${name}.`),
  ]
}

function reservedFields(metadata: Metadata | undefined): readonly string[] {
  const names = metadata?.properties?.['confluent:reserved']?.split(',') ?? []
  return [...new Set(names.map((name) => name.trim()).filter((name) => name !== ''))]
}
