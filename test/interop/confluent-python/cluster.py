"""Makes clients of the cluster. Settings are written with underscores instead of dots."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from driver import PATIENCE_SECONDS, bootstrap

admin = AdminClient({"bootstrap.servers": bootstrap})


def with_bootstrap(settings):
    return {"bootstrap.servers": bootstrap} | {key.replace("_", "."): value for key, value in settings.items()}


def producer(**settings):
    return Producer(with_bootstrap({"enable_idempotence": True} | settings))


def consumer(group, **settings):
    defaults = {"group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    return Consumer(with_bootstrap(defaults | {"topic_metadata_refresh_interval_ms": 1000} | settings))


def create(topic, partitions, **configs):
    config = {key.replace("_", "."): value for key, value in configs.items()}
    admin.create_topics([NewTopic(topic, partitions, 3, config=config)])[topic].result()


def describe(group):
    return admin.describe_consumer_groups([group])[group].result()


def send_numbers(topic, first, last, partitions):
    """Sends the numbers from first to last, without last, to the partitions in turn."""
    sender = producer()
    for number in range(first, last):
        sender.produce(topic, str(number), partition=number % partitions)
    sender.flush()


def read(topic, partitions, **settings):
    """All records of a topic, as a reader with these settings sees them."""
    reader = consumer("nobody", enable_partition_eof=True, **settings)
    reader.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    records, ended = [], set()

    def step():
        for message in reader.consume(500, 0.1):
            if message.error() is None:
                records.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise KafkaException(message.error())
        return len(ended) == partitions

    until(f"the end of {topic}", step)
    reader.close()
    return records


def read_committed(topic, partitions):
    return [message.value().decode() for message in read(topic, partitions)]


def until(what, condition):
    """Tries again until it is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")


def refused(name, work):
    """The work must fail with the error of this name."""
    try:
        work()
    except KafkaException as error:
        if error.args[0].name() != name:
            raise
    else:
        raise AssertionError(f"not refused with {name}")
