"""Groups of both protocols."""

from cluster import admin, consumer, create, send_numbers, until
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException
from driver import same

LATER = (KafkaError.REBALANCE_IN_PROGRESS, KafkaError.STALE_MEMBER_EPOCH, KafkaError._NO_OFFSET)


class Member:
    """Reads and commits, poll by poll and before it loses partitions."""

    def __init__(self, group, topic=None, **settings):
        self.values = []
        self.rebalances = 0
        self.reader = consumer(group, **settings)
        self.reader.subscribe([topic or group], on_assign=self.count, on_revoke=self.let_go)

    def count(self, *_):
        self.rebalances += 1

    def let_go(self, *_):
        self.count()
        self.commit()

    def commit(self):
        try:
            self.reader.commit(asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() not in LATER:
                raise

    def step(self):
        """How many records it has read so far."""
        for message in self.reader.consume(100, 0.1):
            if message.error() is not None:
                raise KafkaException(message.error())
            self.values.append(int(message.value()))
        self.commit()
        return len(self.values)

    def owned(self):
        return sorted((each.topic, each.partition) for each in self.reader.assignment())


def come_and_go(name, **settings):
    create(name, 6)
    send_numbers(name, 0, 200, 6)
    one = Member(name, **settings)
    until("the first records", lambda: one.step() >= 200)
    other = Member(name, **settings)
    until("both to have partitions", lambda: one.step() + other.step() > 0 and have_three_each(one, other))
    send_numbers(name, 200, 400, 6)
    until("the next records", lambda: one.step() + other.step() >= 400)
    one.reader.close()
    send_numbers(name, 400, 600, 6)
    until("the last records", lambda: len(one.values) + other.step() >= 600 and len(other.owned()) == 6)
    other.reader.close()
    same(sorted(one.values + other.values), list(range(600)), "what both have read")
    offsets = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name].result()
    same(sum(each.offset for each in offsets.topic_partitions), 600, "committed offsets")


def have_three_each(one, other):
    return [len(one.owned()), len(other.owned())] == [3, 3]


def come_back(name, protocol):
    create(name, 6)
    other = Member(name, group_protocol=protocol, group_instance_id="other")
    one = Member(name, group_protocol=protocol, group_instance_id="one")
    until("both to have partitions", lambda: one.step() + other.step() >= 0 and have_three_each(one, other))
    owned, rebalances = one.owned(), other.rebalances
    one.reader.close()
    again = Member(name, group_protocol=protocol, group_instance_id="one")
    until("its partitions", lambda: again.step() + other.step() >= 0 and len(again.owned()) == 3)
    same(again.owned(), owned, "partitions of who has come back")
    send_numbers(name, 0, 12, 6)
    until("the records", lambda: again.step() + other.step() >= 12)
    same(other.rebalances, rebalances, "rebalances that the other has seen")
    for member in (again, other):
        member.reader.close()


def find_topics(protocol):
    prefix = f"found-{protocol}-"
    member = Member(f"regex-{protocol}", f"^{prefix}.*", group_protocol=protocol)
    for topic in (f"{prefix}one", f"{prefix}two", f"not-{prefix}"):
        create(topic, 1)
        send_numbers(topic, 0, 10, 1)
        if topic.startswith(prefix):
            until(topic, lambda: member.step() > 0 and (topic, 0) in member.owned())
    until("the records of both", lambda: member.step() >= 20)
    member.reader.close()
    same(len(member.values), 20, "records of topics with a fitting name")


scenarios = {
    "group-eager": lambda: come_and_go("eager"),
    "group-cooperative": lambda: come_and_go("cooperative", partition_assignment_strategy="cooperative-sticky"),
    "group-consumer": lambda: come_and_go("consumer", group_protocol="consumer"),
    "static-classic": lambda: come_back("static-classic", "classic"),
    "static-consumer": lambda: come_back("static-consumer", "consumer"),
    "regex-classic": lambda: find_topics("classic"),
    "regex-consumer": lambda: find_topics("consumer"),
}
