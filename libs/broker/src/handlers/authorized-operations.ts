/**
 * What a client may do with a resource, as bits by the numbers of the operations (AclOperation). There is no authorizer:
 * everything that makes sense for the kind of resource. Reference: AclEntry.supportedOperations.
 */
export const authorizedOperations: Readonly<Record<'topic' | 'group' | 'cluster', number>> = {
  // Read, write, create, delete, alter, describe, describe and alter configs.
  topic: bits(3, 4, 5, 6, 7, 8, 10, 11),
  // Read, delete, describe, describe and alter configs.
  group: bits(3, 6, 8, 10, 11),
  // Create, alter, describe, cluster action, describe and alter configs, idempotent write.
  cluster: bits(5, 7, 8, 9, 10, 11, 12),
}

/** The answer where nobody asked for them. */
export const operationsNotAsked = -2_147_483_648

function bits(...operations: readonly number[]): number {
  return operations.reduce((sum, operation) => sum + 2 ** operation, 0)
}
