package interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Makes clients; settings are given as key, value, key, value. */
record Cluster(String bootstrap) {
  static final Duration MOMENT = Duration.ofMillis(100);

  KafkaProducer<String, String> producer(Object... settings) {
    return new KafkaProducer<>(withBootstrap(settings), new StringSerializer(), new StringSerializer());
  }

  KafkaConsumer<String, String> consumer(Object... settings) {
    Map<String, Object> all = withBootstrap(settings);
    all.putIfAbsent("auto.offset.reset", "earliest");
    all.putIfAbsent("enable.auto.commit", false);
    all.putIfAbsent("metadata.max.age.ms", 1000);
    return new KafkaConsumer<>(all, new StringDeserializer(), new StringDeserializer());
  }

  Admin admin() {
    return Admin.create(withBootstrap());
  }

  void create(String topic, int partitions, String... configs) throws Exception {
    Map<String, String> all = new HashMap<>();
    for (int at = 0; at < configs.length; at += 2) all.put(configs[at], configs[at + 1]);
    try (Admin admin = admin()) {
      admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 3).configs(all))).all().get();
    }
  }

  /** Sends the numbers from first to last, without last, to the partitions in turn. */
  void sendNumbers(String topic, int first, int last, int partitions) {
    try (KafkaProducer<String, String> producer = producer()) {
      for (int number = first; number < last; number++) {
        producer.send(new ProducerRecord<>(topic, number % partitions, null, String.valueOf(number)));
      }
    }
  }

  /** All records of a topic, as a reader with these settings sees them. */
  List<ConsumerRecord<String, String>> read(String topic, Object... settings) throws Exception {
    try (KafkaConsumer<String, String> consumer = consumer(settings)) {
      List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
          .map(each -> new TopicPartition(topic, each.partition())).toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      List<ConsumerRecord<String, String>> records = new ArrayList<>();
      Check.until("the end of " + topic, () -> {
        consumer.poll(MOMENT).forEach(records::add);
        return ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
      });
      return records;
    }
  }

  List<String> readValues(String topic, Object... settings) throws Exception {
    return read(topic, settings).stream().map(ConsumerRecord::value).toList();
  }

  List<String> readCommitted(String topic) throws Exception {
    return readValues(topic, "isolation.level", "read_committed");
  }

  static GroupState stateOf(Admin admin, String group) throws Exception {
    return admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get().groupState();
  }

  private Map<String, Object> withBootstrap(Object... settings) {
    Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", bootstrap));
    for (int at = 0; at < settings.length; at += 2) all.put((String) settings[at], settings[at + 1]);
    return all;
  }
}
