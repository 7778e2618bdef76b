import { AvroDeserializer, AvroSerializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry'
import { breaking, check, refused, same, v1, v2 } from './checks.mjs'

const [url] = process.argv.slice(2)
const fresh = () => new SchemaRegistryClient({ baseURLs: [url], cacheCapacity: 100 })
const client = fresh()
const avro = (schema) => ({ schemaType: 'AVRO', schema })
const subject = `js-${process.pid}`
let id

await check('confluent-javascript: register, and the same again', async () => {
  id = await client.register(subject, avro(v1), false)
  same(await fresh().register(subject, avro(v1), false), id)
  const full = await fresh().registerFullResponse(subject, avro(v2), true)
  same([full.id > id, full.version], [true, 2])
})
await check('confluent-javascript: by id, guid and version', async () => {
  same((await client.getBySubjectAndId(subject, id)).schema, v1)
  const latest = await client.getLatestSchemaMetadata(subject)
  same([latest.version, latest.schema], [2, v2])
  same((await client.getByGuid(latest.guid)).schema, v2)
  same((await client.getSchemaMetadata(subject, 1, false)).id, id)
  same(await client.getAllVersions(subject), [1, 2])
})
await check('confluent-javascript: look-up', async () => {
  same(await client.getId(subject, avro(v1), false), id)
  same(await client.getVersion(subject, avro(v2), false, false), 2)
  await refused(() => fresh().getId(subject, avro(breaking), false), { status: 404, errorCode: 40403 })
  await refused(() => fresh().getLatestSchemaMetadata('nobody'), { status: 404, errorCode: 40401 })
})
await check('confluent-javascript: compatibility', async () => {
  same(await client.testSubjectCompatibility(subject, avro(v2)), true)
  same(await client.testCompatibility(subject, 1, avro(breaking)), false)
  await refused(() => fresh().register(subject, avro(breaking), false), { status: 409 })
})
await check('confluent-javascript: settings', async () => {
  same(await client.updateCompatibility(subject, 'FULL'), 'FULL')
  same(await client.getCompatibility(subject), 'FULL')
  same(typeof (await client.getDefaultCompatibility()), 'string')
  same((await client.updateConfig(subject, { compatibility: 'NONE', normalize: true })).compatibility, 'NONE')
  same((await client.getConfig(subject)).compatibilityLevel, 'NONE')
})
await check('confluent-javascript: metadata', async () => {
  const about = `${subject}-metadata`
  await client.register(about, { ...avro(v1), metadata: { properties: { owner: 'x' } } }, false)
  same((await client.getLatestWithMetadata(about, { owner: 'x' }, false)).version, 1)
})
await check('confluent-javascript: references', async () => {
  const uses = `${subject}-uses`
  const schema = JSON.stringify({ type: 'record', name: 'Uses', fields: [{ name: 'paid', type: 'bank.Paid' }] })
  const references = [{ name: 'bank.Paid', subject, version: 1 }]
  const usesId = await client.register(uses, { ...avro(schema), references }, false)
  same((await client.getBySubjectAndId(uses, usesId)).references, references)
})
await check('confluent-javascript: serialize and deserialize', async () => {
  const serializer = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true })
  await client.register(`${subject}-topic-value`, avro(v2), false)
  const bytes = await serializer.serialize(`${subject}-topic`, { amount: 5, memo: 'm' })
  const value = await new AvroDeserializer(fresh(), SerdeType.VALUE, {}).deserialize(`${subject}-topic`, bytes)
  same({ ...value }, { amount: 5, memo: 'm' })
})
await check('confluent-javascript: serialize, registering by itself', async () => {
  const serializer = new AvroSerializer(fresh(), SerdeType.VALUE, { autoRegisterSchemas: true })
  const bytes = await serializer.serialize(`${subject}-auto`, { amount: 5 })
  const value = await new AvroDeserializer(fresh(), SerdeType.VALUE, {}).deserialize(`${subject}-auto`, bytes)
  same({ ...value }, { amount: 5 })
})
await check('confluent-javascript: delete', async () => {
  same((await client.getAllSubjects()).includes(subject), true)
  const gone = `${subject}-gone`
  await client.register(gone, avro(v1), false)
  await client.register(gone, avro(v2), false)
  same(await client.deleteSubjectVersion(gone, 2, false), 2)
  same(await client.deleteSubject(gone, false), [1])
  same(await client.deleteSubject(gone, true), [1, 2])
})
client.close()
