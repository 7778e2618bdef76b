"""What the admin client can ask for."""

from cluster import admin, consumer, create, describe, producer, read, refused, send_numbers, until
from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    ConsumerGroupType,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)
from driver import START, same


def topics():
    same(len(admin.describe_cluster().result().nodes), 3, "nodes")
    topic = NewTopic("made", 3, config={"retention.ms": "60000"})
    admin.create_topics([topic], validate_only=True)["made"].result()
    same("made" in admin.list_topics().topics, False, "a topic that was only checked is there")
    admin.create_topics([topic])["made"].result()
    refused("TOPIC_ALREADY_EXISTS", lambda: admin.create_topics([topic])["made"].result())
    bad = NewTopic("bad", 1, config={"retention.ms": "soon"})
    refused("INVALID_CONFIG", lambda: admin.create_topics([bad])["bad"].result())
    alter("cleanup.policy", "compact", AlterConfigOpType.SET)
    alter("cleanup.policy", "delete", AlterConfigOpType.APPEND)
    alter("retention.ms", None, AlterConfigOpType.DELETE)
    [described] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, "made")]).values()
    configs = described.result()
    same(configs["cleanup.policy"].value, "compact,delete", "a setting that was altered")
    same(configs["retention.ms"].source, ConfigSource.DEFAULT_CONFIG.value, "source of a setting that was taken away")
    refused("INVALID_CONFIG", lambda: alter("cleanup.policy", "burn", AlterConfigOpType.SET))
    admin.create_partitions([NewPartitions("made", 5)])["made"].result()
    refused("INVALID_PARTITIONS", lambda: admin.create_partitions([NewPartitions("made", 2)])["made"].result())
    same(len(describe_made().partitions), 5, "partitions")
    admin.delete_topics(["made"])["made"].result()
    refused("UNKNOWN_TOPIC_OR_PART", describe_made)


def describe_made():
    return admin.describe_topics(TopicCollection(["made"]))["made"].result()


def alter(key, value, operation):
    change = ConfigEntry(key, value, incremental_operation=operation)
    resource = ConfigResource(ResourceType.TOPIC, "made", incremental_configs=[change])
    [altered] = admin.incremental_alter_configs([resource]).values()
    altered.result()


def records():
    create("shortened", 1)
    partition = TopicPartition("shortened", 0)
    sender = producer()
    for number in (0, 1, 2, 9, 4, 5):
        sender.produce("shortened", str(number), partition=0, timestamp=START + number)
        sender.flush()
    same(delete_records(2).low_watermark, 2, "low watermark")
    refused("OFFSET_OUT_OF_RANGE", lambda: delete_records(7))
    expected = [
        (OffsetSpec.earliest(), 2),
        (OffsetSpec.latest(), 6),
        (OffsetSpec.max_timestamp(), 3),
        (OffsetSpec.for_timestamp(START), 2),
        (OffsetSpec.for_timestamp(START + 3), 3),
    ]
    for spec, offset in expected:
        [listed] = admin.list_offsets({partition: spec}).values()
        same(listed.result().offset, offset, f"offset of {type(spec).__name__}")
    same([message.value() for message in read("shortened", 1)], [b"2", b"9", b"4", b"5"], "what is left")


def delete_records(before):
    [deleted] = admin.delete_records([TopicPartition("shortened", 0, before)]).values()
    return deleted.result()


def groups():
    create("watched", 2)
    send_numbers("watched", 0, 10, 2)
    for protocol in ("classic", "consumer"):
        watch(f"watchers-{protocol}", protocol, ConsumerGroupType[protocol.upper()])


def watch(group, protocol, kind):
    member = consumer(group, group_protocol=protocol)
    member.subscribe(["watched"])
    until("partitions", lambda: member.consume(100, 0.1) is not None and len(member.assignment()) == 2)
    until("a stable group", lambda: describe(group).state == ConsumerGroupState.STABLE)
    positions = [TopicPartition("watched", 0, 3, "note"), TopicPartition("watched", 1, 1)]
    member.commit(offsets=positions, asynchronous=False)
    described = describe(group)
    same(described.type, kind, "type")
    same(len(described.members[0].assignment.topic_partitions), 2, "assignment")
    refused("NON_EMPTY_GROUP", lambda: delete(group))
    member.close()
    until("an empty group", lambda: describe(group).state == ConsumerGroupState.EMPTY)
    same(listed(group).type, kind, "type in the list")
    moved = ConsumerGroupTopicPartitions(group, [TopicPartition("watched", 0, 4, "moved")])
    admin.alter_consumer_group_offsets([moved])[group].result()
    offsets = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result()
    shown = sorted((each.partition, each.offset, each.metadata) for each in offsets.topic_partitions)
    same(shown, [(0, 4, "moved"), (1, 1, None)], "offsets")
    delete(group)
    same(listed(group), None, "a deleted group")


def delete(group):
    admin.delete_consumer_groups([group])[group].result()


def listed(group):
    groups = admin.list_consumer_groups().result().valid
    return next((each for each in groups if each.group_id == group), None)


scenarios = {"admin-topics": topics, "admin-records": records, "admin-groups": groups}
