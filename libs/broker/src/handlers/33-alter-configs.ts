import { AlterConfigs } from '@keyfold/protocol'
import { replaceConfigs } from '../topics/config-changes.ts'
import { alterResource } from './config-resource.ts'
import { handler } from './handler.ts'

/**
 * AlterConfigs (33), versions 0-2.
 * Behaviour: replaces all of a resource's own settings: what the request does not name falls back to its default.
 * Versions: 2 is flexible.
 * Not done: resources other than topics and this node.
 */
export const alterConfigs = handler(AlterConfigs, async (request, broker) => {
  const { validateOnly } = request
  const results = request.resources.map(({ resourceType, resourceName, configs }) =>
    alterResource(broker, { resourceType, resourceName, validateOnly }, (kind) => replaceConfigs(kind, configs)),
  )
  await broker.storage.durable(Math.max(0, ...results.map(({ lsn }) => lsn)))
  return { responses: results.map(({ response }) => response) }
})
