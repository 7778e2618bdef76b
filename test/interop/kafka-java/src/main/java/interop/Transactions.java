package interop;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;

/** Transactions: what they let be seen, who is let write in them, and what a kill leaves of them. */
record Transactions(Cluster cluster) {
  void addTo(Map<String, Main.Scenario> scenarios) {
    scenarios.put("transactions", this::outcomes);
    scenarios.put("fencing", this::fencing);
    scenarios.put("kill-transaction", this::kill);
    scenarios.put("exactly-once", () -> {
      for (String protocol : List.of("classic", "consumer")) exactlyOnce(protocol);
    });
  }

  private void outcomes() throws Exception {
    TopicPartition source = new TopicPartition("source", 0);
    cluster.create("source", 1);
    cluster.create("outcomes", 2);
    try (KafkaProducer<String, String> producer = transactional("outcomes"); Admin admin = cluster.admin()) {
      List<Long> committed = new ArrayList<>();
      for (int round = 0; round < 3; round++) {
        producer.beginTransaction();
        send(producer, "outcomes", "round " + round);
        // An abort drops what has not been sent yet.
        producer.flush();
        var offset = Map.of(source, new OffsetAndMetadata(round + 1));
        producer.sendOffsetsToTransaction(offset, new ConsumerGroupMetadata("outcomes"));
        if (round == 1) producer.abortTransaction();
        else producer.commitTransaction();
        var stable = new ListConsumerGroupOffsetsOptions().requireStable(true);
        var offsets = admin.listConsumerGroupOffsets("outcomes", stable).partitionsToOffsetAndMetadata().get();
        committed.add(offsets.get(source).offset());
      }
      Check.same(committed, List.of(1L, 1L, 3L), "offsets after each transaction");
    }
    Check.same(cluster.readCommitted("outcomes").stream().distinct().sorted().toList(),
        List.of("round 0", "round 2"), "what is committed");
    Check.same(cluster.readCommitted("outcomes").size(), 20, "committed records");
    Check.same(cluster.readValues("outcomes").size(), 30, "all records");
  }

  private void fencing() throws Exception {
    cluster.create("fenced", 2);
    try (KafkaProducer<String, String> older = transactional("fenced")) {
      older.beginTransaction();
      send(older, "fenced", "of the older");
      older.flush();
      try (KafkaProducer<String, String> newer = transactional("fenced")) {
        Check.refused(ProducerFencedException.class, older::commitTransaction);
        commit(newer, "fenced", "of the newer");
      }
    }
    List<String> kinds = cluster.readCommitted("fenced").stream().distinct().toList();
    Check.same(kinds, List.of("of the newer"), "what is committed");
    for (String protocol : List.of("classic", "consumer")) lateOffsets(protocol);
  }

  /** A member that has left its group may not commit by a transaction (KIP-447). */
  private void lateOffsets(String protocol) throws Exception {
    String group = "late-" + protocol;
    ConsumerGroupMetadata gone;
    try (KafkaConsumer<String, String> consumer = cluster.consumer("group.id", group, "group.protocol", protocol)) {
      consumer.subscribe(List.of("fenced"));
      Check.until("partitions", () -> {
        consumer.poll(Cluster.MOMENT);
        return !consumer.assignment().isEmpty();
      });
      gone = consumer.groupMetadata();
    }
    try (Admin admin = cluster.admin(); KafkaProducer<String, String> producer = transactional(group)) {
      // The client says that it leaves, and waits for no answer.
      Check.until("an empty group", () -> Cluster.stateOf(admin, group) == GroupState.EMPTY);
      producer.beginTransaction();
      var offsets = Map.of(new TopicPartition("fenced", 0), new OffsetAndMetadata(1));
      Check.refused(CommitFailedException.class, () -> {
        producer.sendOffsetsToTransaction(offsets, gone);
        producer.commitTransaction();
      });
      producer.abortTransaction();
    }
  }

  private void kill() throws Exception {
    cluster.create("cut", 2);
    boolean isCommitted = true;
    try (KafkaProducer<String, String> producer = transactional("cut")) {
      producer.beginTransaction();
      send(producer, "cut", "before");
      producer.flush();
      Main.killBroker();
      try {
        producer.commitTransaction();
      } catch (KafkaException refusal) {
        isCommitted = false;
      }
    }
    try (KafkaProducer<String, String> producer = transactional("cut")) {
      commit(producer, "cut", "after");
    }
    List<String> values = cluster.readCommitted("cut");
    Check.same(values.stream().filter("before"::equals).count(), isCommitted ? 10L : 0L, "records of the one cut");
    Check.same(values.stream().filter("after"::equals).count(), 10L, "records of the next one");
  }

  private void exactlyOnce(String protocol) throws Exception {
    String taken = "taken-" + protocol;
    cluster.create(taken, 4);
    cluster.create("given-" + protocol, 4);
    cluster.sendNumbers(taken, 0, 400, 4);
    try (Copier one = new Copier("one", protocol); Copier other = new Copier("other", protocol)) {
      Check.until("the first to begin", () -> one.step() > 0);
      Check.until("both to have partitions", () -> one.step() + other.step() >= 0 && one.owns(2) && other.owns(2));
      cluster.sendNumbers(taken, 400, 800, 4);
      Check.until("the other to copy", () -> other.step() > 0);
      one.close();
      cluster.sendNumbers(taken, 800, 1200, 4);
      Check.until("the other to have all", () -> other.step() >= 0 && other.owns(4));
      Check.until("the end", () -> other.step() >= 0 && other.isAtEnd());
    }
    List<Integer> values = cluster.readCommitted("given-" + protocol).stream().map(Integer::valueOf).sorted().toList();
    Check.same(values, IntStream.range(0, 1200).boxed().toList(), "what was copied");
  }

  /** Copies records from one topic to another, each poll in a transaction with its offsets. */
  private final class Copier implements AutoCloseable {
    private final KafkaConsumer<String, String> consumer;
    private final KafkaProducer<String, String> producer;
    private final String target;

    Copier(String name, String protocol) {
      target = "given-" + protocol;
      consumer = cluster.consumer("group.id", "copiers-" + protocol, "group.protocol", protocol,
          "isolation.level", "read_committed", "max.poll.records", 20);
      producer = transactional("copier-" + protocol + "-" + name);
      consumer.subscribe(List.of("taken-" + protocol));
    }

    /** How many records it has copied now. */
    int step() {
      var records = consumer.poll(Cluster.MOMENT);
      if (records.isEmpty()) return 0;
      producer.beginTransaction();
      for (ConsumerRecord<String, String> each : records) {
        producer.send(new ProducerRecord<>(target, each.partition(), each.key(), each.value()));
      }
      producer.sendOffsetsToTransaction(new HashMap<>(records.nextOffsets()), consumer.groupMetadata());
      producer.commitTransaction();
      return records.count();
    }

    boolean owns(int partitions) {
      return consumer.assignment().size() == partitions;
    }

    boolean isAtEnd() {
      return consumer.endOffsets(consumer.assignment()).entrySet().stream()
          .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }

    @Override
    public void close() {
      consumer.close();
      producer.close();
    }
  }

  private KafkaProducer<String, String> transactional(String id) {
    KafkaProducer<String, String> producer = cluster.producer("transactional.id", id, "transaction.timeout.ms", 60_000);
    producer.initTransactions();
    return producer;
  }

  private static void commit(KafkaProducer<String, String> producer, String topic, String value) {
    producer.beginTransaction();
    send(producer, topic, value);
    producer.commitTransaction();
  }

  /** Ten records to two partitions. */
  private static void send(KafkaProducer<String, String> producer, String topic, String value) {
    for (int number = 0; number < 10; number++) producer.send(new ProducerRecord<>(topic, number % 2, null, value));
  }
}
