"""Transactions: what they let be seen, who is let write in them, and what a kill leaves of them."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from cluster import administrator, create, producer, read_values, refused, until
from driver import kill_broker, same


def transactional(name):
    return producer(transactional_id=name, transaction_timeout_ms=60_000)


async def send(sender, topic, value):
    """Ten records to two partitions."""
    for number in range(10):
        await sender.send(topic, value.encode(), partition=number % 2)


async def begun(name, value):
    """A producer with an open transaction in a new topic of its name."""
    await create(name, 2)
    sender = transactional(name)
    await sender.start()
    await sender.begin_transaction()
    await send(sender, name, value)
    await sender.flush()
    return sender


async def commit(name, topic, value):
    async with transactional(name) as sender, sender.transaction():
        await send(sender, topic, value)


async def outcomes():
    source = TopicPartition("source", 0)
    await create("source", 1)
    await create("outcomes", 2)
    async with transactional("outcomes") as sender, administrator() as admin:
        for number in range(3):
            await sender.begin_transaction()
            await send(sender, "outcomes", f"round {number}")
            # An abort may drop what has not been sent yet.
            await sender.flush()
            await sender.send_offsets_to_transaction({source: number + 1}, "outcomes")
            await (sender.abort_transaction() if number == 1 else sender.commit_transaction())
            # Apache Kafka answers before the offsets count.
            await until("the offset", lambda: is_committed(admin, source, (1, 1, 3)[number]))
    values = await read_values("outcomes", 2)
    same((sorted(set(values)), len(values)), (["round 0", "round 2"], 20), "what is committed")
    same(len(await read_values("outcomes", 2, "read_uncommitted")), 30, "all records")


async def is_committed(admin, place, offset):
    return (await admin.list_consumer_group_offsets("outcomes", partitions=[place]))[place].offset == offset


async def fencing():
    older = await begun("fenced", "of the older")
    await commit("fenced", "fenced", "of the newer")
    await refused(ProducerFenced, older.commit_transaction())
    await older.stop()
    same(set(await read_values("fenced", 2)), {"of the newer"}, "what is committed")


async def kill():
    sender = await begun("cut", "before")
    await asyncio.to_thread(kill_broker)
    try:
        await sender.commit_transaction()
        expected = 10
    except KafkaError:
        expected = 0
    await sender.stop()
    await commit("cut", "cut", "after")
    values = await read_values("cut", 2)
    same(values.count("before"), expected, "records of the one that was cut")
    same(values.count("after"), 10, "records of the next one")


scenarios = {
    "transactions": outcomes,
    "fencing": fencing,
    "kill-transaction": kill,
    "exactly-once": "aiokafka commits offsets in a transaction without saying who it is (no KIP-447)",
}
