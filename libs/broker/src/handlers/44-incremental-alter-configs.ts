import { IncrementalAlterConfigs } from '@keyfold/protocol'
import { changeConfigs } from '../topics/config-changes.ts'
import { alterResource } from './config-resource.ts'
import { handler } from './handler.ts'

/**
 * IncrementalAlterConfigs (44), versions 0-1.
 * Behaviour: sets, deletes, appends to and subtracts from single settings, leaving the others alone (KIP-339).
 * Versions: 1 is flexible.
 * Not done: resources other than topics and this node.
 */
export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, async (request, broker) => {
  const { validateOnly } = request
  const results = request.resources.map(({ resourceType, resourceName, configs }) =>
    alterResource(broker, { resourceType, resourceName, validateOnly }, (kind, present) =>
      changeConfigs(kind, present, configs),
    ),
  )
  await broker.storage.durable(Math.max(0, ...results.map(({ lsn }) => lsn)))
  return { responses: results.map(({ response }) => response) }
})
