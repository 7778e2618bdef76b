"""Classic groups."""

import re

from aiokafka import ConsumerRebalanceListener, TopicPartition
from cluster import administrator, consumer, create, poll, send_numbers, until
from driver import same


class Member(ConsumerRebalanceListener):
    """Reads and commits, poll by poll and before it loses partitions."""

    def __init__(self, group, pattern=None, **settings):
        self.values = []
        self.rebalances = 0
        self.reader = consumer(group_id=group, heartbeat_interval_ms=300, **settings)
        topics = {"pattern": pattern} if pattern else {"topics": [group]}
        self.reader.subscribe(listener=self, **topics)

    async def __aenter__(self):
        await self.reader.start()
        return self

    async def __aexit__(self, *_):
        await self.reader.stop()

    async def on_partitions_revoked(self, revoked):
        if self.reader.assignment():
            await self.reader.commit()

    async def on_partitions_assigned(self, assigned):
        self.rebalances += 1

    async def step(self):
        """How many records it has read so far."""
        records = await poll(self.reader)
        self.values.extend(int(record.value) for record in records)
        if records:
            await self.reader.commit()
        return len(self.values)

    def owned(self):
        return sorted(self.reader.assignment())


async def come_and_go():
    await create("eager", 6)
    await send_numbers("eager", 0, 200, 6)
    one = Member("eager")
    async with Member("eager") as other:
        async with one:
            await both(one, other, lambda: three_each(one, other))
            await both(one, other, lambda: read_by(one, other) >= 200)
            await send_numbers("eager", 200, 400, 6)
            await both(one, other, lambda: read_by(one, other) >= 400)
        await send_numbers("eager", 400, 600, 6)
        await both(other, other, lambda: read_by(one, other) >= 600 and len(other.owned()) == 6)
    same(sorted(one.values + other.values), list(range(600)), "what both have read")
    async with administrator() as admin:
        offsets = await admin.list_consumer_group_offsets("eager")
    same(sum(each.offset for each in offsets.values()), 600, "committed offsets")


async def both(one, other, is_so):
    async def step():
        await one.step()
        await other.step()
        return is_so()

    await until("members of a group", step)


def three_each(one, other):
    return (len(one.owned()), len(other.owned())) == (3, 3)


def read_by(one, other):
    return len(one.values) + len(other.values)


async def come_back():
    await create("static", 6)
    async with Member("static", group_instance_id="other") as other:
        async with Member("static", group_instance_id="one") as one:
            await both(one, other, lambda: three_each(one, other))
            owned, rebalances = one.owned(), other.rebalances
        async with Member("static", group_instance_id="one") as again:
            await both(again, other, lambda: len(again.owned()) == 3)
            same(again.owned(), owned, "partitions of who has come back")
            await send_numbers("static", 0, 12, 6)
            await both(again, other, lambda: read_by(again, other) >= 12)
        same(other.rebalances, rebalances, "rebalances that the other has seen")


async def find_topics():
    async with Member("regex", re.compile("^found-.*")) as member:
        for topic in ("found-one", "found-two", "not-found-"):
            await create(topic, 1)
            await send_numbers(topic, 0, 10, 1)
            if topic.startswith("found"):
                place = TopicPartition(topic, 0)
                await both(member, member, lambda: place in member.owned())
        await both(member, member, lambda: len(member.values) >= 20)
        same(len(member.values), 20, "records of topics with a fitting name")


NOT_THERE = "aiokafka does not have the consumer protocol"

scenarios = {
    "group-eager": come_and_go,
    "group-cooperative": "aiokafka does not have cooperative rebalances",
    "group-consumer": NOT_THERE,
    "static-classic": come_back,
    "static-consumer": NOT_THERE,
    "regex-classic": find_topics,
    "regex-consumer": NOT_THERE,
}
