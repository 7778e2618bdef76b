"""Makes clients of the cluster, which end with the block that they are made for."""

import time
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from driver import PATIENCE_SECONDS, bootstrap


def producer(**settings):
    return AIOKafkaProducer(bootstrap_servers=bootstrap, **({"enable_idempotence": True} | settings))


def consumer(*topics, **settings):
    defaults = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "metadata_max_age_ms": 1000}
    return AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, **(defaults | settings))


@asynccontextmanager
async def administrator():
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create(topic, partitions, **configs):
    config = {key.replace("_", "."): value for key, value in configs.items()}
    async with administrator() as admin:
        answer = await admin.create_topics([NewTopic(topic, partitions, 3, topic_configs=config)])
    if answer.topic_errors[0][1] != 0:
        raise AssertionError(f"{topic} was not created: {answer}")


async def send_numbers(topic, first, last, partitions):
    """Sends the numbers from first to last, without last, to the partitions in turn."""
    async with producer() as sender:
        for number in range(first, last):
            await sender.send(topic, str(number).encode(), partition=number % partitions)


async def read(topic, partitions, isolation="read_committed"):
    """All records of a topic, as a reader of that isolation sees them."""
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    async with consumer(isolation_level=isolation) as reader:
        reader.assign(places)
        await reader.seek_to_beginning(*places)
        ends = await reader.end_offsets(places)
        records = []

        async def step():
            records.extend(await poll(reader))
            return all([await reader.position(place) >= end for place, end in ends.items()])

        await until(f"the end of {topic}", step)
        return records


async def read_values(topic, partitions, isolation="read_committed"):
    return [record.value.decode() for record in await read(topic, partitions, isolation)]


async def poll(reader, most=500):
    """Waits for a moment and returns what has come."""
    fetched = await reader.getmany(timeout_ms=100, max_records=most)
    return [record for records in fetched.values() for record in records]


async def until(what, condition):
    """Tries again until it is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not await condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")


async def refused(kind, work):
    """The work must fail with this kind of error."""
    try:
        await work
    except kind:
        return
    raise AssertionError(f"not refused with {kind.__name__}")
