package interop;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What the admin client can ask for. */
record Administration(Cluster cluster) {
  void addTo(Map<String, Main.Scenario> scenarios) {
    scenarios.put("admin-topics", this::topics);
    scenarios.put("admin-records", this::records);
    scenarios.put("admin-groups", this::groups);
  }

  private void topics() throws Exception {
    try (Admin admin = cluster.admin()) {
      Check.same(admin.describeCluster().nodes().get().size(), 3, "nodes");
      var features = admin.describeFeatures().featureMetadata().get().finalizedFeatures();
      Check.same(features.get("transaction.version").maxVersionLevel(), (short) 2, "transaction.version");
      NewTopic topic = new NewTopic("made", Optional.of(3), Optional.empty()).configs(Map.of("retention.ms", "60000"));
      admin.createTopics(List.of(topic), new CreateTopicsOptions().validateOnly(true)).all().get();
      Check.same(admin.listTopics().names().get().contains("made"), false, "a topic that was only checked");
      admin.createTopics(List.of(topic)).all().get();
      Check.refused(TopicExistsException.class, () -> admin.createTopics(List.of(topic)).all().get());
      NewTopic bad = new NewTopic("bad", 1, (short) 1).configs(Map.of("retention.ms", "soon"));
      Check.refused(InvalidConfigurationException.class, () -> admin.createTopics(List.of(bad)).all().get());

      alter(admin, "cleanup.policy", "compact", OpType.SET);
      alter(admin, "cleanup.policy", "delete", OpType.APPEND);
      alter(admin, "retention.ms", "", OpType.DELETE);
      Config config = admin.describeConfigs(List.of(made())).all().get().get(made());
      Check.same(config.get("cleanup.policy").value(), "compact,delete", "a setting that was altered");
      Check.same(config.get("retention.ms").source(), ConfigSource.DEFAULT_CONFIG, "source of a setting that is gone");
      Check.refused(InvalidConfigurationException.class, () -> alter(admin, "cleanup.policy", "burn", OpType.SET));

      admin.createPartitions(Map.of("made", NewPartitions.increaseTo(5))).all().get();
      Check.refused(InvalidPartitionsException.class,
          () -> admin.createPartitions(Map.of("made", NewPartitions.increaseTo(2))).all().get());
      TopicDescription made = admin.describeTopics(List.of("made")).allTopicNames().get().get("made");
      Check.same(made.partitions().size(), 5, "partitions");
      Check.same(admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).size(), 1, "directories of logs");
      admin.deleteTopics(List.of("made")).all().get();
      Check.refused(UnknownTopicOrPartitionException.class,
          () -> admin.describeTopics(List.of("made")).allTopicNames().get());
    }
  }

  private static ConfigResource made() {
    return new ConfigResource(ConfigResource.Type.TOPIC, "made");
  }

  private static void alter(Admin admin, String key, String value, OpType operation) throws Exception {
    AlterConfigOp change = new AlterConfigOp(new ConfigEntry(key, value), operation);
    admin.incrementalAlterConfigs(Map.of(made(), List.of(change))).all().get();
  }

  private void records() throws Exception {
    TopicPartition partition = new TopicPartition("shortened", 0);
    long start = System.currentTimeMillis() - 3_600_000;
    cluster.create("shortened", 1);
    try (Admin admin = cluster.admin(); KafkaProducer<String, String> producer = cluster.producer()) {
      for (int number : List.of(0, 1, 2, 9, 4, 5)) {
        producer.send(new ProducerRecord<>("shortened", 0, start + number, null, "" + number)).get();
      }
      var few = Map.of(partition, RecordsToDelete.beforeOffset(2));
      var deleted = admin.deleteRecords(few).lowWatermarks().get(partition);
      Check.same(deleted.get().lowWatermark(), 2L, "low watermark");
      var tooMany = Map.of(partition, RecordsToDelete.beforeOffset(7));
      Check.refused(OffsetOutOfRangeException.class, () -> admin.deleteRecords(tooMany).all().get());
      Map<OffsetSpec, Long> expected = Map.of(OffsetSpec.earliest(), 2L, OffsetSpec.latest(), 6L,
          OffsetSpec.maxTimestamp(), 3L, OffsetSpec.forTimestamp(start), 2L, OffsetSpec.forTimestamp(start + 3), 3L);
      for (var each : expected.entrySet()) {
        var offset = admin.listOffsets(Map.of(partition, each.getKey())).partitionResult(partition).get();
        Check.same(offset.offset(), each.getValue(), each.getKey().getClass().getSimpleName());
      }
      var producers = admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers();
      Check.same(producers.size(), 1, "producers of the partition");
      Check.same(cluster.readValues("shortened"), List.of("2", "9", "4", "5"), "what is left");
    }
  }

  private void groups() throws Exception {
    cluster.create("watched", 2);
    cluster.sendNumbers("watched", 0, 10, 2);
    for (String protocol : List.of("classic", "consumer")) watch("watchers-" + protocol, protocol);
  }

  private void watch(String group, String protocol) throws Exception {
    TopicPartition first = new TopicPartition("watched", 0);
    TopicPartition second = new TopicPartition("watched", 1);
    Set<String> ids = Set.of(group);
    try (Admin admin = cluster.admin()) {
      try (KafkaConsumer<String, String> member = cluster.consumer("group.id", group, "group.protocol", protocol)) {
        member.subscribe(List.of("watched"));
        Check.until("a stable group", () -> {
          member.poll(Cluster.MOMENT);
          return member.assignment().size() == 2 && Cluster.stateOf(admin, group) == GroupState.STABLE;
        });
        member.commitSync(Map.of(first, new OffsetAndMetadata(3, "note"), second, new OffsetAndMetadata(1)));
        var described = admin.describeConsumerGroups(ids).describedGroups().get(group).get();
        Check.same(described.type(), GroupType.parse(protocol), "type");
        Check.same(described.members().iterator().next().assignment().topicPartitions().size(), 2, "assignment");
        Check.refused(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(ids).all().get());
      }
      Check.until("an empty group", () -> Cluster.stateOf(admin, group) == GroupState.EMPTY);
      Check.same(listed(admin, group).get().type().get(), GroupType.parse(protocol), "type in the list");
      admin.alterConsumerGroupOffsets(group, Map.of(first, new OffsetAndMetadata(4, "moved"))).all().get();
      admin.deleteConsumerGroupOffsets(group, Set.of(second)).all().get();
      var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      Check.same(offsets, Map.of(first, new OffsetAndMetadata(4, Optional.empty(), "moved")), "offsets");
      admin.deleteConsumerGroups(ids).all().get();
      Check.same(listed(admin, group), Optional.empty(), "a deleted group");
    }
  }

  private static Optional<GroupListing> listed(Admin admin, String group) throws Exception {
    return admin.listGroups().all().get().stream().filter(each -> each.groupId().equals(group)).findFirst();
  }
}
