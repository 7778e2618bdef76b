"""What the admin client can ask for: answers come as they are on the wire, or as errors."""

from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidConfigurationError,
    InvalidPartitionsError,
    OffsetOutOfRangeError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)
from cluster import administrator, consumer, create, producer, read_values, refused, send_numbers
from driver import START, same
from groups import Member, both


async def topics():
    async with administrator() as admin:
        same(len((await admin.describe_cluster())["brokers"]), 3, "nodes")
        topic = NewTopic("made", 3, 1, topic_configs={"retention.ms": "60000"})
        same(code_of(await admin.create_topics([topic], validate_only=True)), 0, "a check")
        same("made" in await admin.list_topics(), False, "a topic that was only checked is there")
        same(code_of(await admin.create_topics([topic])), 0, "a creation")
        same(code_of(await admin.create_topics([topic])), TopicAlreadyExistsError.errno, "the same again")
        bad = NewTopic("bad", 1, 1, topic_configs={"retention.ms": "soon"})
        same(code_of(await admin.create_topics([bad])), InvalidConfigurationError.errno, "a bad setting")
        await alter(admin, {"cleanup.policy": "compact"})
        same(await setting(admin, "cleanup.policy"), "compact", "a setting that was altered")
        same(await setting(admin, "retention.ms"), "604800000", "a setting that was left out")
        await admin.create_partitions({"made": NewPartitions(5)})
        await refused(InvalidPartitionsError, admin.create_partitions({"made": NewPartitions(2)}))
        [described] = await admin.describe_topics(["made"])
        same(len(described["partitions"]), 5, "partitions")
        await admin.delete_topics(["made"])
        [described] = await admin.describe_topics(["made"])
        same(described["error_code"], UnknownTopicOrPartitionError.errno, "a deleted topic")


def code_of(answer):
    return answer.topic_errors[0][1]


async def alter(admin, configs):
    [answer] = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "made", configs)])
    same(answer.resources[0][0], 0, "an alteration")


async def setting(admin, key):
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "made")])
    return next(config[1] for config in answer.resources[0][4] if config[0] == key)


async def records():
    place = TopicPartition("shortened", 0)
    await create("shortened", 1)
    async with producer() as sender:
        for number in (0, 1, 2, 9, 4, 5):
            await sender.send_and_wait("shortened", str(number).encode(), partition=0, timestamp_ms=START + number)
    async with administrator() as admin:
        deleted = await admin.delete_records({place: RecordsToDelete(before_offset=2)})
        same(deleted, {place: 2}, "low watermark")
        await refused(OffsetOutOfRangeError, admin.delete_records({place: RecordsToDelete(before_offset=7)}))
    async with consumer() as reader:
        same(await reader.beginning_offsets([place]), {place: 2}, "first offset")
        same(await reader.end_offsets([place]), {place: 6}, "last offset")
        for time, offset in ((START, 2), (START + 3, 3)):
            same((await reader.offsets_for_times({place: time}))[place].offset, offset, "offset by time")
    same(await read_values("shortened", 1), ["2", "9", "4", "5"], "what is left")


async def groups():
    await create("watched", 2)
    await send_numbers("watched", 0, 10, 2)
    async with administrator() as admin:
        async with Member("watched") as watcher:
            await both(watcher, watcher, lambda: len(watcher.values) == 10)
            same(await describe(admin), ("Stable", 1), "state and members of a group in use")
        same(await describe(admin), ("Empty", 0), "state and members of a group that was left")
        same(("watched", "consumer") in await admin.list_consumer_groups(), True, "whether the group is listed")
        offsets = await admin.list_consumer_group_offsets("watched")
        same({place.partition: each.offset for place, each in offsets.items()}, {0: 5, 1: 5}, "offsets")


async def describe(admin):
    """State and number of members of the group."""
    [answer] = await admin.describe_consumer_groups(["watched"])
    [group] = answer.groups
    return group[2], len(group[5])


scenarios = {"admin-topics": topics, "admin-records": records, "admin-groups": groups}
