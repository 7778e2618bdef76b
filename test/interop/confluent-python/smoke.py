"""Produces, consumes, commits, transacts and rebalances: smoke.py <bootstrap> <classic|consumer>."""

import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap, protocol = sys.argv[1:3]
source = f"source-{uuid.uuid4().hex[:8]}"
target = f"target-{uuid.uuid4().hex[:8]}"


def expect(actual, expected, what):
    if actual != expected:
        raise SystemExit(f"{protocol}: {what}: {actual} instead of {expected}")


def consumer(group, **settings):
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "group.protocol": protocol,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **settings,
        }
    )


def read(group, topic, count, **settings):
    reader = consumer(group, **settings)
    reader.subscribe([topic])
    values = []
    end = time.monotonic() + 30
    while len(values) < count and time.monotonic() < end:
        for message in reader.consume(500, 0.5):
            if message.error():
                raise KafkaException(message.error())
            values.append(message.value())
    return reader, values


def produce():
    for compression in ("none", "gzip", "snappy", "lz4", "zstd"):
        producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": compression}
        )
        for number in range(400):
            producer.produce(source, key=str(number), value=f"{compression} {number}")
        expect(producer.flush(20), 0, f"records not delivered with {compression}")


def consume_and_commit():
    reader, values = read("readers", source, 2000)
    expect((len(values), len(set(values))), (2000, 2000), "records read")
    reader.commit(asynchronous=False)
    committed = reader.committed([TopicPartition(source, partition) for partition in range(4)], 10)
    expect(sum(each.offset for each in committed), 2000, "offsets committed")
    return reader


def transact(reader):
    settings = {"bootstrap.servers": bootstrap, "transactional.id": target, "transaction.timeout.ms": 10_000}
    producer = Producer(settings)
    producer.init_transactions(10)
    producer.begin_transaction()
    for number in range(10):
        producer.produce(target, value=f"aborted {number}")
    producer.flush(10)
    producer.abort_transaction(10)
    producer.begin_transaction()
    for number in range(10):
        producer.produce(target, value=f"committed {number}")
    producer.send_offsets_to_transaction([TopicPartition(source, 0, 5)], reader.consumer_group_metadata())
    producer.commit_transaction(10)
    expect(reader.committed([TopicPartition(source, 0)], 10)[0].offset, 5, "offset committed in the transaction")
    committed, values = read("committed", target, 10)
    expect(sorted(values), sorted(f"committed {number}".encode() for number in range(10)), "records read_committed")
    uncommitted, values = read("uncommitted", target, 20, **{"isolation.level": "read_uncommitted"})
    expect(len(values), 20, "records read_uncommitted")
    committed.close()
    uncommitted.close()
    Producer(settings).init_transactions(10)
    try:
        producer.begin_transaction()
        producer.produce(target, value="of a zombie")
        producer.commit_transaction(10)
    except KafkaException as error:
        expect(error.args[0].name(), "_FENCED", "error of a producer that was replaced")
    else:
        expect("no error", "_FENCED", "a producer that was replaced")


def rebalance():
    pair = [consumer("pair"), consumer("pair")]
    for member in pair:
        member.subscribe([source])
    end = time.monotonic() + 40
    while [len(member.assignment()) for member in pair] != [2, 2] and time.monotonic() < end:
        for member in pair:
            member.poll(0.2)
    expect([len(member.assignment()) for member in pair], [2, 2], "partitions of two members")
    for member in pair:
        member.close()


admin = AdminClient({"bootstrap.servers": bootstrap})
for created in admin.create_topics([NewTopic(source, 4, 3), NewTopic(target, 2, 1)]).values():
    created.result()
produce()
first = consume_and_commit()
transact(first)
first.close()
rebalance()
