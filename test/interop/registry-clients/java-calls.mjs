import { breaking, check, same, v1, v2 } from './checks.mjs'

/*
 * What Confluent's Java serializers, Kafka Connect and the Maven plug-in send, call by call: their client is in no
 * registry of packages that can be reached here. Paths, parameters and headers as its RestService makes them.
 */
const [url] = process.argv.slice(2)
const subject = `java-${process.pid}-value`
const headers = {
  'Content-Type': 'application/vnd.schemaregistry.v1+json',
  Accept: 'application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json',
  'User-Agent': 'Java/21.0.1',
}

async function call(method, path, body) {
  const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() }
}

const schema = (text) => ({ schema: text, schemaType: 'AVRO', references: [], metadata: null, ruleSet: null })
let id

await check('Java: KafkaAvroSerializer registers, with and without normalization', async () => {
  const first = await call('POST', `/subjects/${subject}/versions?normalize=false`, schema(v1))
  same([first.status, first.type], [200, 'application/vnd.schemaregistry.v1+json'])
  id = first.body.id
  same(
    (await call('POST', `/subjects/${subject}/versions?normalize=true`, { ...schema(v1), schemaType: undefined })).body
      .id,
    id,
  )
  same((await call('POST', `/subjects/${subject}/versions?normalize=false`, schema(v2))).body.id > id, true)
})
await check('Java: KafkaAvroDeserializer fetches by id, and looks the version up', async () => {
  same((await call('GET', `/schemas/ids/${id}?fetchMaxId=false&subject=${subject}`)).body.schema, v1)
  same((await call('GET', `/schemas/ids/${id}?fetchMaxId=false`)).body.schema, v1)
  same((await call('POST', `/subjects/${subject}?normalize=false&deleted=true`, schema(v1))).body.version, 1)
  same((await call('GET', `/schemas/ids/999999?fetchMaxId=false&subject=${subject}`)).body.error_code, 40403)
})
await check('Java: use.latest.version and latest.compatibility.strict', async () => {
  same((await call('GET', `/subjects/${subject}/versions/latest`)).body.schema, v2)
  same((await call('GET', `/subjects/${subject}/versions/-1?deleted=false`)).body.version, 2)
  same((await call('GET', `/subjects/${subject}/metadata?key=owner&value=x&deleted=false`)).status, 404)
})
await check('Java: testCompatibility, with the slash at the end', async () => {
  const all = `/compatibility/subjects/${subject}/versions/?normalize=false&verbose=true`
  same((await call('POST', all, schema(v2))).body, { is_compatible: true, messages: [] })
  same((await call('POST', all, schema(breaking))).body.is_compatible, false)
  const latest = `/compatibility/subjects/${subject}/versions/latest?normalize=false&verbose=false`
  same((await call('POST', latest, schema(breaking))).body, { is_compatible: false })
})
await check('Java: an incompatible schema is refused with the status it looks at', async () => {
  same((await call('POST', `/subjects/${subject}/versions?normalize=false`, schema(breaking))).status, 409)
})
await check('Java: the ASSOCIATED strategy finds no association', async () => {
  const { status, body } = await call(
    'GET',
    '/associations/resources/-/topic?resourceType=topic&associationType=value&offset=0&limit=-1',
  )
  // An empty list and a 404 in this form are both taken for none.
  if (status === 200) same(body, [])
  else same([status, Object.keys(body).sort()], [404, ['error_code', 'message']])
})
await check('Java: Kafka Connect, ksqlDB and AKHQ list', async () => {
  same((await call('GET', '/subjects?subjectPrefix=:*:&deleted=false')).body.includes(subject), true)
  same((await call('GET', `/subjects/${subject}/versions?deleted=false`)).body, [1, 2])
  same((await call('GET', `/schemas/ids/${id}/subjects?deleted=false`)).body.includes(subject), true)
  same(
    (await call('GET', `/schemas/ids/${id}/versions?deleted=false`)).body.some((each) => each.subject === subject),
    true,
  )
  same((await call('GET', `/schemas?subjectPrefix=${subject}&deleted=false&latestOnly=true`)).body.length, 1)
  same((await call('GET', '/schemas/types')).body, ['AVRO'])
  same((await call('GET', '/contexts')).body[0], '.')
  same(typeof (await call('GET', '/v1/metadata/id')).body.scope.clusters['kafka-cluster'], 'string')
  same(typeof (await call('GET', '/v1/metadata/version')).body.version, 'string')
})
await check('Java: settings', async () => {
  same(
    (await call('PUT', `/config/${subject}`, { compatibility: 'FULL_TRANSITIVE' })).body.compatibility,
    'FULL_TRANSITIVE',
  )
  same((await call('GET', `/config/${subject}?defaultToGlobal=true`)).body.compatibilityLevel, 'FULL_TRANSITIVE')
  same((await call('DELETE', `/config/${subject}`)).body.compatibilityLevel, 'FULL_TRANSITIVE')
  same((await call('GET', `/config/${subject}?defaultToGlobal=false`)).body.error_code, 40408)
  same((await call('PUT', `/mode/${subject}?force=false`, { mode: 'READONLY' })).body.mode, 'READONLY')
  same((await call('GET', `/mode/${subject}?defaultToGlobal=false`)).body.mode, 'READONLY')
  same((await call('DELETE', `/mode/${subject}?recursive=false`)).body.mode, 'READONLY')
})
await check('Java: delete', async () => {
  same((await call('DELETE', `/subjects/${subject}/versions/1?permanent=false`)).body, 1)
  same((await call('DELETE', `/subjects/${subject}?permanent=false`)).body, [2])
  same((await call('DELETE', `/subjects/${subject}?permanent=true`)).body, [1, 2])
})
