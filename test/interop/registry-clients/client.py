"""Python's client of the registry: client.py <url>. Prints one line of JSON for each check."""

import json
import os
import sys

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

url = sys.argv[1]
subject = f"python-{os.getpid()}"


def record(*fields):
    return json.dumps({"type": "record", "name": "Paid", "namespace": "bank", "fields": list(fields)})


v1 = Schema(record({"name": "amount", "type": "int"}), "AVRO")
v2 = Schema(record({"name": "amount", "type": "int"}, {"name": "memo", "type": "string", "default": ""}), "AVRO")
breaking = Schema(record({"name": "currency", "type": "string"}), "AVRO")


def client():
    return SchemaRegistryClient({"url": url})


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual} instead of {expected}")


def refused(work, status, code):
    try:
        work()
    except SchemaRegistryError as error:
        same((error.http_status_code, error.error_code), (status, code))
    else:
        raise AssertionError("it was not refused")


def register():
    registry = client()
    first = registry.register_schema(subject, v1)
    same(client().register_schema(subject, v1), first)
    second = registry.register_schema_full_response(subject, v2, normalize_schemas=True)
    same(second.schema_id > first, True)


def by_id_and_version():
    registry = client()
    latest = registry.get_latest_version(subject)
    same((latest.version, json.loads(latest.schema.schema_str)), (2, json.loads(v2.schema_str)))
    same(json.loads(registry.get_schema(latest.schema_id).schema_str), json.loads(v2.schema_str))
    same(json.loads(registry.get_schema_by_guid(latest.guid).schema_str), json.loads(v2.schema_str))
    same(registry.get_version(subject, 1).version, 1)
    same(registry.get_versions(subject), [1, 2])
    same(subject in registry.get_subjects(), True)
    same(registry.get_schema_types(), ["AVRO"])
    same(subject in registry.get_subjects_by_schema_id(latest.schema_id), True)
    places = [(each.subject, each.version) for each in registry.get_schema_versions(latest.schema_id)]
    same((subject, 2) in places, True)


def look_up():
    registry = client()
    same(registry.lookup_schema(subject, v1).version, 1)
    refused(lambda: registry.lookup_schema(subject, breaking), 404, 40403)
    refused(lambda: registry.get_latest_version("nobody"), 404, 40401)
    refused(lambda: registry.get_schema(999_999), 404, 40403)


def compatibility():
    registry = client()
    same(registry.test_compatibility(subject, v2), True)
    same(registry.test_compatibility(subject, breaking, "latest"), False)
    same(registry.test_compatibility_all_versions(subject, breaking), False)
    try:
        registry.register_schema(subject, breaking)
    except SchemaRegistryError as error:
        same(error.http_status_code, 409)
    else:
        raise AssertionError("it was not refused")


def settings():
    registry = client()
    registry.set_compatibility(subject, "FULL")
    same(registry.get_compatibility(subject), "FULL")
    same(isinstance(registry.get_compatibility(), str), True)
    same(registry.get_global_mode(), "READWRITE")
    registry.update_mode(subject, "READONLY")
    same(registry.get_mode(subject), "READONLY")
    refused(lambda: registry.register_schema(subject, breaking), 422, 42205)
    registry.update_mode(subject, "READWRITE")
    same(registry.get_contexts()[0], ".")


def references():
    registry = client()
    text = json.dumps({"type": "record", "name": "Uses", "fields": [{"name": "paid", "type": "bank.Paid"}]})
    uses = Schema(text, "AVRO", [SchemaReference("bank.Paid", subject, 1)])
    uses_id = registry.register_schema(f"{subject}-uses", uses)
    same(registry.get_referenced_by(subject, 1), [uses_id])
    refused(lambda: registry.delete_version(subject, 1), 422, 42206)


def serialize():
    context = SerializationContext(f"{subject}-topic", MessageField.VALUE)
    value = AvroSerializer(client(), v2.schema_str)({"amount": 5, "memo": "m"}, context)
    same(AvroDeserializer(client(), v2.schema_str)(value, context), {"amount": 5, "memo": "m"})
    older = AvroSerializer(client(), v1.schema_str, conf={"subject.name.strategy": lambda *_: f"{subject}-old"})
    same(AvroDeserializer(client(), v2.schema_str)(older({"amount": 1}, context), context), {"amount": 1, "memo": ""})


def delete():
    registry = client()
    gone = f"{subject}-gone"
    registry.register_schema(gone, v1)
    registry.register_schema(gone, v2)
    same(registry.delete_version(gone, 2), 2)
    same(registry.delete_subject(gone), [1])
    same(registry.delete_subject(gone, permanent=True), [1, 2])
    refused(lambda: registry.get_versions(gone), 404, 40401)


for check in (register, by_id_and_version, look_up, compatibility, settings, references, serialize, delete):
    name = f"confluent-kafka-python: {check.__name__.replace('_', ' ')}"
    try:
        check()
        print(json.dumps({"name": name, "status": "passed"}))
    except Exception as error:  # whatever it is, it is a finding
        print(json.dumps({"name": name, "status": "failed", "message": f"{type(error).__name__}: {error}"}))
