import { ConfluentSchemaRegistry } from '@platformatic/kafka'
import avsc from 'avsc'
import { check, refused, same, v1 } from './checks.mjs'

const [url] = process.argv.slice(2)

/** The registry class has a hook that fetches what a record needs, and then a synchronous codec. */
function prepared(registry, id) {
  return new Promise((resolve, reject) => registry.fetchSchema(id, (error) => (error ? reject(error) : resolve())))
}

async function register(subject) {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
  const answer = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ schema: v1 }),
  })
  return (await answer.json()).id
}

const id = await register(`platformatic-${process.pid}`)
await check('platformatic: fetches a schema by id', async () => {
  const registry = new ConfluentSchemaRegistry({ url })
  await prepared(registry, id)
  same(registry.get(id).type, 'avro')
})
await check('platformatic: decodes what was encoded with it', async () => {
  const registry = new ConfluentSchemaRegistry({ url })
  await prepared(registry, id)
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  const bytes = Buffer.concat([head, avsc.Type.forSchema(JSON.parse(v1)).toBuffer({ amount: 7 })])
  same({ ...registry.getDeserializers().value(bytes, new Map(), {}) }, { amount: 7 })
})
await check('platformatic: an id that does not exist', () =>
  refused(() => prepared(new ConfluentSchemaRegistry({ url, retries: 0 }), 999_999), {}),
)
process.exit(0)
