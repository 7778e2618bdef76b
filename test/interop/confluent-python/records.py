"""Records as such: how they are packed, when they were made, how often they are there."""

import threading
import time

from cluster import admin, consumer, create, producer, read, until
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from driver import CODECS, START, kill_broker, same, sample


def round_trip():
    for codec in CODECS:
        send_and_compare(f"sent-{codec}", "producer", codec)


def recompression():
    for codec in ("uncompressed", *CODECS[1:]):
        send_and_compare(f"kept-{codec}", codec, "none" if codec == "gzip" else "gzip")


def send_and_compare(topic, topic_codec, producer_codec):
    create(topic, 3, compression_type=topic_codec)
    sent = [sample(number) for number in range(300)]
    sender = producer(compression_type=producer_codec, linger_ms=20)
    for record in sent:
        sender.produce(topic, **record)
    same(sender.flush(60), 0, "records not delivered")
    by_partition = {}
    for message in read(topic, 3):
        shown = {
            "partition": message.partition(),
            "timestamp": message.timestamp()[1],
            "key": message.key(),
            "value": message.value(),
            "headers": message.headers() or [],
        }
        by_partition.setdefault(message.partition(), []).append(shown)
    for partition in range(3):
        expected = [record for record in sent if record["partition"] == partition]
        same(by_partition[partition], expected, f"{topic}-{partition}")


def find_by_time():
    create("timed", 1)
    sender = producer()
    for number in range(10):
        sender.produce("timed", str(number), partition=0, timestamp=START + number * 1000)
    sender.flush()
    reader = consumer("timed")
    [found] = reader.offsets_for_times([TopicPartition("timed", 0, START + 4500)], 30)
    same(found.offset, 5, "offset by time")
    [behind] = reader.offsets_for_times([TopicPartition("timed", 0, START + 9001)], 30)
    same(behind.offset, -1, "a time behind the last")
    moved = ConsumerGroupTopicPartitions("timed", [TopicPartition("timed", 0, found.offset)])
    admin.alter_consumer_group_offsets([moved])["timed"].result()
    reader.subscribe(["timed"])
    values = []

    def step():
        values.extend(message.value() for message in reader.consume(10, 0.1))
        return len(values) >= 5

    until("the records", step)
    reader.close()
    same(values, [b"5", b"6", b"7", b"8", b"9"], "values from then on")


def kill():
    create("killed", 2)
    sender = producer(linger_ms=0, batch_num_messages=10, message_timeout_ms=120_000)
    errors = []
    count = 0

    def send(more):
        nonlocal count
        for number in range(count, count + more):
            on_delivery = lambda error, _: error is None or errors.append(str(error))
            sender.produce("killed", str(number), partition=number % 2, on_delivery=on_delivery)
            sender.poll(0)
        count += more

    send(500)
    sender.flush(60)
    killer = threading.Thread(target=kill_broker)
    killer.start()
    while killer.is_alive():
        send(20)
        time.sleep(0.005)
    send(500)
    same((sender.flush(120), errors), (0, []), "records and errors that are left")
    messages = read("killed", 2)
    for partition in range(2):
        values = [int(message.value()) for message in messages if message.partition() == partition]
        same(len(values), len(range(partition, count, 2)), f"records in partition {partition}")
        same(values, list(range(partition, count, 2)), f"partition {partition}")


scenarios = {"round-trip": round_trip, "recompression": recompression, "time": find_by_time, "kill-idempotence": kill}
