"""Transactions: what they let be seen, who is let write in them, and what a kill leaves of them."""

from cluster import admin, consumer, create, describe, producer, read, read_committed, refused, send_numbers, until
from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from driver import kill_broker, same


def transactional(name):
    made = producer(transactional_id=name, transaction_timeout_ms=60_000)
    made.init_transactions(60)
    return made


def send(sender, topic, value):
    """Ten records to two partitions."""
    for number in range(10):
        sender.produce(topic, value, partition=number % 2)


def begun(name, value):
    """A producer with an open transaction in a new topic of its name."""
    create(name, 2)
    sender = transactional(name)
    sender.begin_transaction()
    send(sender, name, value)
    sender.flush()
    return sender


def commit(sender, topic, value):
    sender.begin_transaction()
    send(sender, topic, value)
    sender.commit_transaction(60)


def outcomes():
    create("source", 1)
    create("outcomes", 2)
    reader = consumer("outcomes")
    sender = transactional("outcomes")
    committed = []
    for number in range(3):
        sender.begin_transaction()
        send(sender, "outcomes", f"round {number}")
        # An abort drops what has not been sent yet.
        sender.flush(60)
        offsets = [TopicPartition("source", 0, number + 1)]
        sender.send_offsets_to_transaction(offsets, reader.consumer_group_metadata(), 60)
        if number == 1:
            sender.abort_transaction(60)
        else:
            sender.commit_transaction(60)
        asked = ConsumerGroupTopicPartitions("outcomes", [TopicPartition("source", 0)])
        answer = admin.list_consumer_group_offsets([asked], require_stable=True)["outcomes"].result()
        committed.append(answer.topic_partitions[0].offset)
    same(committed, [1, 1, 3], "offsets after each transaction")
    values = read_committed("outcomes", 2)
    same((sorted(set(values)), len(values)), (["round 0", "round 2"], 20), "what is committed")
    same(len(read("outcomes", 2, isolation_level="read_uncommitted")), 30, "all records")


def fencing():
    older = begun("fenced", "of the older")
    newer = transactional("fenced")
    refused("_FENCED", lambda: older.commit_transaction(60))
    commit(newer, "fenced", "of the newer")
    same(set(read_committed("fenced", 2)), {"of the newer"}, "what is committed")
    for protocol in ("classic", "consumer"):
        late_offsets(protocol)


def late_offsets(protocol):
    """A member that has left its group may not commit by a transaction (KIP-447)."""
    reader = consumer(f"late-{protocol}", group_protocol=protocol)
    reader.subscribe(["fenced"])
    until("partitions", lambda: reader.consume(10, 0.1) is not None and reader.assignment())
    gone = reader.consumer_group_metadata()
    reader.close()
    until("an empty group", lambda: describe(f"late-{protocol}").state == ConsumerGroupState.EMPTY)
    sender = transactional(f"late-{protocol}")
    sender.begin_transaction()
    try:
        sender.send_offsets_to_transaction([TopicPartition("fenced", 0, 1)], gone, 60)
    except KafkaException as error:
        same(error.args[0].txn_requires_abort(), True, f"whether {error} asks for an abort")
    else:
        raise AssertionError(f"offsets of a {protocol} member that is gone were taken")
    sender.abort_transaction(60)


def kill():
    sender = begun("cut", "before")
    kill_broker()
    try:
        sender.commit_transaction(60)
        expected = 10
    except KafkaException:
        expected = 0
    commit(transactional("cut"), "cut", "after")
    values = read_committed("cut", 2)
    same(values.count("before"), expected, "records of the one that was cut")
    same(values.count("after"), 10, "records of the next one")


class Copier:
    """Copies records from one topic to another, each poll in a transaction with its offsets."""

    def __init__(self, name, protocol):
        self.target = f"given-{protocol}"
        self.sender = transactional(f"copier-{protocol}-{name}")
        self.reader = consumer(f"copiers-{protocol}", group_protocol=protocol)
        self.reader.subscribe([f"taken-{protocol}"])
        self.copied = 0

    def step(self):
        """How many records it has copied so far."""
        messages = self.reader.consume(20, 0.1)
        if not messages:
            return self.copied
        self.sender.begin_transaction()
        for message in messages:
            self.sender.produce(self.target, message.value(), partition=message.partition())
        positions = self.reader.position(self.reader.assignment())
        self.sender.send_offsets_to_transaction(positions, self.reader.consumer_group_metadata(), 60)
        self.sender.commit_transaction(60)
        self.copied += len(messages)
        return self.copied

    def owns(self, partitions):
        return len(self.reader.assignment()) == partitions


def exactly_once():
    for protocol in ("classic", "consumer"):
        copy_in_turns(protocol)


def copy_in_turns(protocol):
    taken, given = f"taken-{protocol}", f"given-{protocol}"
    create(taken, 4)
    create(given, 4)
    send_numbers(taken, 0, 400, 4)
    one, other = Copier("one", protocol), Copier("other", protocol)
    until("the first to begin", lambda: one.step() > 0)
    until("both to have partitions", lambda: one.step() + other.step() > 0 and one.owns(2) and other.owns(2))
    send_numbers(taken, 400, 800, 4)
    until("the other to copy", lambda: other.step() > 0)
    one.reader.close()
    send_numbers(taken, 800, 1200, 4)
    until("the end", lambda: one.copied + other.step() >= 1200 and other.owns(4))
    other.reader.close()
    same(sorted(int(value) for value in read_committed(given, 4)), list(range(1200)), "what was copied")


scenarios = {"transactions": outcomes, "fencing": fencing, "kill-transaction": kill, "exactly-once": exactly_once}
