package interop;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Records as such: how they are packed, when they were made, how often they are there. */
record Records(Cluster cluster) {
  private static final long START = System.currentTimeMillis() - 3_600_000;
  private static final int PARTITIONS = 3;

  void addTo(Map<String, Main.Scenario> scenarios) {
    scenarios.put("round-trip", this::roundTrip);
    scenarios.put("recompression", this::recompression);
    scenarios.put("time", this::time);
    scenarios.put("kill-idempotence", this::killIdempotence);
  }

  private void roundTrip() throws Exception {
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      sendAndCompare("sent-" + codec, "producer", codec);
    }
  }

  private void recompression() throws Exception {
    for (String codec : List.of("uncompressed", "gzip", "snappy", "lz4", "zstd")) {
      sendAndCompare("kept-" + codec, codec, codec.equals("gzip") ? "none" : "gzip");
    }
  }

  private void sendAndCompare(String topic, String topicCodec, String producerCodec) throws Exception {
    cluster.create(topic, PARTITIONS, "compression.type", topicCodec);
    var sent = IntStream.range(0, 300).mapToObj(number -> sample(topic, number)).toList();
    try (var producer = cluster.producer("compression.type", producerCodec, "linger.ms", 20)) {
      sent.forEach(producer::send);
    }
    List<ConsumerRecord<String, String>> read = cluster.read(topic);
    for (int partition = 0; partition < PARTITIONS; partition++) {
      int its = partition;
      List<String> actual = read.stream().filter(each -> each.partition() == its)
          .map(each -> shown(each.timestamp(), each.key(), each.value(), each.headers())).toList();
      List<String> expected = sent.stream().filter(each -> each.partition() == its)
          .map(each -> shown(each.timestamp(), each.key(), each.value(), each.headers())).toList();
      Check.same(actual, expected, topic + "-" + partition);
    }
  }

  /** Every kind of key, value and header there can be, small and large. */
  private static ProducerRecord<String, String> sample(String topic, int number) {
    String key = number % 7 == 0 ? null : "key " + number % 50;
    String value = number % 10 == 0 ? null : number % 10 == 1 ? "" : ("value " + number + " ").repeat(number);
    List<Header> headers = number % 4 == 0 ? null : List.of(
        new RecordHeader("twice", ("first " + number).getBytes(UTF_8)),
        new RecordHeader("twice", new byte[0]),
        new RecordHeader("nothing", null));
    return new ProducerRecord<>(topic, number % PARTITIONS, START + number, key, value, headers);
  }

  private static String shown(long timestamp, String key, String value, Iterable<Header> headers) {
    List<String> parts = StreamSupport.stream(headers.spliterator(), false)
        .map(each -> each.key() + "=" + (each.value() == null ? null : new String(each.value(), UTF_8))).toList();
    return timestamp + " " + key + " " + value + " " + parts;
  }

  private void time() throws Exception {
    TopicPartition partition = new TopicPartition("timed", 0);
    cluster.create("timed", 1);
    try (KafkaProducer<String, String> producer = cluster.producer()) {
      for (int number = 0; number < 10; number++) {
        producer.send(new ProducerRecord<>("timed", 0, START + number * 1000, null, "" + number));
      }
    }
    try (var consumer = cluster.consumer("group.id", "timed"); Admin admin = cluster.admin()) {
      var found = consumer.offsetsForTimes(Map.of(partition, START + 4500)).get(partition);
      Check.same(List.of(found.offset(), found.timestamp()), List.of(5L, START + 5000), "offset by time");
      var behind = consumer.offsetsForTimes(Map.of(partition, START + 9001)).get(partition);
      Check.same(behind, null, "a time behind the last");
      admin.alterConsumerGroupOffsets("timed", Map.of(partition, new OffsetAndMetadata(found.offset()))).all().get();
      consumer.subscribe(List.of("timed"));
      List<String> values = new ArrayList<>();
      Check.until("the records", () -> {
        consumer.poll(Cluster.MOMENT).forEach(each -> values.add(each.value()));
        return values.size() >= 5;
      });
      Check.same(values, List.of("5", "6", "7", "8", "9"), "values from then on");
    }
  }

  private void killIdempotence() throws Exception {
    cluster.create("killed", 2);
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<String, String> producer = cluster.producer("linger.ms", 0, "batch.size", 300)) {
      Runnable send = () -> {
        int number = sent.size();
        sent.add(producer.send(new ProducerRecord<>("killed", number % 2, null, "" + number)));
      };
      Stream.generate(() -> send).limit(500).forEach(Runnable::run);
      producer.flush();
      CompletableFuture<Void> killed = CompletableFuture.runAsync(Main::killBroker);
      while (!killed.isDone()) {
        Stream.generate(() -> send).limit(20).forEach(Runnable::run);
        Thread.sleep(5);
      }
      Stream.generate(() -> send).limit(500).forEach(Runnable::run);
      for (Future<RecordMetadata> each : sent) each.get();
    }
    List<ConsumerRecord<String, String>> read = cluster.read("killed");
    for (int partition : List.of(0, 1)) {
      List<String> actual = read.stream().filter(each -> each.partition() == partition)
          .map(ConsumerRecord::value).toList();
      List<String> expected = IntStream.range(0, sent.size()).filter(number -> number % 2 == partition)
          .mapToObj(String::valueOf).toList();
      Check.same(actual.size(), expected.size(), "records in partition " + partition);
      Check.same(actual, expected, "partition " + partition);
    }
  }
}
