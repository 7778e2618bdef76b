package interop;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** Groups of both protocols. */
record Groups(Cluster cluster) {
  private static final String COOPERATIVE = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";

  void addTo(Map<String, Main.Scenario> scenarios) {
    scenarios.put("group-eager", () -> comeAndGo("eager", "group.protocol", "classic"));
    scenarios.put("group-cooperative", () -> comeAndGo("cooperative", "partition.assignment.strategy", COOPERATIVE));
    scenarios.put("group-consumer", () -> comeAndGo("consumer", "group.protocol", "consumer"));
    scenarios.put("static-classic", () -> comeBack("static-classic", "group.protocol", "classic"));
    scenarios.put("static-consumer", () -> comeBack("static-consumer", "group.protocol", "consumer"));
    scenarios.put("regex-classic", () -> {
      try (Member member = new Member("regex-classic", "group.protocol", "classic")) {
        member.consumer.subscribe(Pattern.compile("found-classic-.*"), member);
        findTopics(member, "found-classic-");
      }
    });
    scenarios.put("regex-consumer", () -> {
      try (Member member = new Member("regex-consumer", "group.protocol", "consumer")) {
        member.consumer.subscribe(new SubscriptionPattern("found-consumer-.*"), member);
        findTopics(member, "found-consumer-");
      }
    });
  }

  private void comeAndGo(String name, Object... settings) throws Exception {
    cluster.create(name, 6);
    cluster.sendNumbers(name, 0, 200, 6);
    try (Member one = new Member(name, settings).subscribed(); Member other = new Member(name, settings).subscribed()) {
      Check.until("the first records", () -> one.step() >= 200);
      Check.until("both to have partitions", () -> one.step() + other.step() > 0 && one.owns(3) && other.owns(3));
      cluster.sendNumbers(name, 200, 400, 6);
      Check.until("the next records", () -> one.step() + other.step() >= 400);
      one.close();
      cluster.sendNumbers(name, 400, 600, 6);
      Check.until("the last records", () -> one.values.size() + other.step() >= 600 && other.owns(6));
      var values = Stream.of(one.values, other.values).flatMap(List::stream).map(Integer::valueOf).sorted();
      Check.same(values.toList(), IntStream.range(0, 600).boxed().toList(), "what both have read");
    }
    try (Admin admin = cluster.admin()) {
      var offsets = admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get();
      Check.same(offsets.values().stream().mapToLong(each -> each.offset()).sum(), 600L, "committed offsets");
    }
  }

  private void comeBack(String name, String setting, String protocol) throws Exception {
    cluster.create(name, 6);
    try (Member other = new Member(name, setting, protocol, "group.instance.id", "other").subscribed()) {
      Set<TopicPartition> owned;
      int generation;
      try (Member one = new Member(name, setting, protocol, "group.instance.id", "one").subscribed()) {
        Check.until("both to have partitions", () -> one.step() + other.step() >= 0 && one.owns(3) && other.owns(3));
        Check.until("one generation", () -> one.step() + other.step() >= 0 && one.generation() == other.generation());
        owned = one.consumer.assignment();
        generation = one.generation();
      }
      try (Member again = new Member(name, setting, protocol, "group.instance.id", "one").subscribed()) {
        Check.until("its partitions", () -> again.step() + other.step() >= 0 && again.owns(3));
        Check.same(again.consumer.assignment(), owned, "partitions of who has come back");
        cluster.sendNumbers(name, 0, 12, 6);
        Check.until("the records", () -> again.step() + other.step() >= 12);
        Check.same(List.of(again.generation(), other.generation()), List.of(generation, generation), "generations");
      }
    }
  }

  private void findTopics(Member member, String prefix) throws Exception {
    for (String topic : List.of(prefix + "one", prefix + "two", "not-" + prefix)) {
      cluster.create(topic, 1);
      cluster.sendNumbers(topic, 0, 10, 1);
      if (topic.startsWith(prefix)) {
        TopicPartition partition = new TopicPartition(topic, 0);
        Check.until(topic, () -> member.step() > 0 && member.consumer.assignment().contains(partition));
      }
    }
    Check.until("the records of both", () -> member.step() >= 20);
    Check.same(member.values.size(), 20, "records of topics with a fitting name");
  }

  /** Reads and commits, poll by poll and before it loses partitions. */
  private final class Member implements AutoCloseable, ConsumerRebalanceListener {
    final KafkaConsumer<String, String> consumer;
    final List<String> values = new ArrayList<>();
    private final String group;

    Member(String group, Object... settings) {
      this.group = group;
      consumer = cluster.consumer(Stream.concat(Stream.of("group.id", group), Stream.of(settings)).toArray());
    }

    Member subscribed() {
      consumer.subscribe(List.of(group), this);
      return this;
    }

    /** How many records it has read so far. */
    int step() {
      consumer.poll(Cluster.MOMENT).forEach(each -> values.add(each.value()));
      try {
        consumer.commitSync();
      } catch (RebalanceInProgressException later) {
        // The next poll ends the rebalance; what was read is committed then.
      }
      return values.size();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      consumer.commitSync();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}

    boolean owns(int partitions) {
      return consumer.assignment().size() == partitions;
    }

    int generation() {
      return consumer.groupMetadata().generationId();
    }

    @Override
    public void close() {
      consumer.close();
    }
  }
}
