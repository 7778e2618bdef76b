/** What Kafka says when ACLs are asked of a broker without an authorizer. */
export const noAuthorizer = 'No Authorizer is configured.'
