package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What the admin client can ask for.
var administration = map[string]func(){
	"admin-topics":  adminTopics,
	"admin-records": adminRecords,
	"admin-groups": func() {
		create("watched", 2, nil)
		sendNumbers("watched", 0, 10, 2)
		watch("watchers-classic", "classic")
		watch("watchers-consumer", "consumer", kgo.ServerSideBalancer())
	},
}

func adminTopics() {
	brokers, err := admin.ListBrokers(ctx)
	check(err)
	same(len(brokers), 3, "nodes")
	configs := map[string]*string{"retention.ms": kadm.StringPtr("60000")}
	_, err = admin.ValidateCreateTopics(ctx, 3, -1, configs, "made")
	check(err)
	same(made().Err, kerr.UnknownTopicOrPartition, "a topic that was only checked")
	_, err = admin.CreateTopic(ctx, 3, -1, configs, "made")
	check(err)
	_, err = admin.CreateTopic(ctx, 3, -1, configs, "made")
	refused(err, kerr.TopicAlreadyExists)
	_, err = admin.CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": kadm.StringPtr("soon")}, "bad")
	refused(err, kerr.InvalidConfig)
	check(alter(kadm.SetConfig, "cleanup.policy", "compact"))
	check(alter(kadm.AppendConfig, "cleanup.policy", "delete"))
	check(alter(kadm.DeleteConfig, "retention.ms", ""))
	described, err := admin.DescribeTopicConfigs(ctx, "made")
	check(err)
	for _, config := range described[0].Configs {
		switch config.Key {
		case "cleanup.policy":
			same(*config.Value, "compact,delete", "a setting that was altered")
		case "retention.ms":
			same(config.Source, kmsg.ConfigSourceDefaultConfig, "source of a setting that was taken away")
		}
	}
	refused(alter(kadm.SetConfig, "cleanup.policy", "burn"), kerr.InvalidConfig)
	refused(enlarge(2), kerr.InvalidPartitions)
	check(enlarge(5))
	same(len(made().Partitions), 5, "partitions")
	directories, err := admin.DescribeAllLogDirs(ctx, nil)
	check(err)
	same(len(directories), 3, "nodes with directories of logs")
	_, err = admin.DeleteTopic(ctx, "made")
	check(err)
	// The client asks for the same topic again only after a while.
	until("the topic to be gone", func() bool { return errors.Is(made().Err, kerr.UnknownTopicOrPartition) })
}

func made() kadm.TopicDetail {
	topics, err := admin.ListTopics(ctx, "made")
	check(err)
	return topics["made"]
}

func alter(operation kadm.IncrementalOp, key, value string) error {
	change := kadm.AlterConfig{Op: operation, Name: key, Value: &value}
	altered, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, "made")
	check(err)
	return altered[0].Err
}

func enlarge(partitions int) error {
	answer, err := admin.UpdatePartitions(ctx, partitions, "made")
	check(err)
	return answer["made"].Err
}

func adminRecords() {
	create("shortened", 1, nil)
	sender := producer()
	defer sender.Close()
	for _, number := range []int{0, 1, 2, 9, 4, 5} {
		at := start.Add(time.Duration(number) * time.Millisecond)
		record := &kgo.Record{Topic: "shortened", Timestamp: at, Value: []byte(strconv.Itoa(number))}
		check(sender.ProduceSync(ctx, record).FirstErr())
	}
	deleted := deleteRecords(2)
	check(deleted.Err)
	same(deleted.LowWatermark, 2, "low watermark")
	refused(deleteRecords(7).Err, kerr.OffsetOutOfRange)
	for name, each := range map[string]struct {
		list   func() (kadm.ListedOffsets, error)
		offset int64
	}{
		"first":         {func() (kadm.ListedOffsets, error) { return admin.ListStartOffsets(ctx, "shortened") }, 2},
		"last":          {func() (kadm.ListedOffsets, error) { return admin.ListEndOffsets(ctx, "shortened") }, 6},
		"greatest time": {func() (kadm.ListedOffsets, error) { return admin.ListMaxTimestampOffsets(ctx, "shortened") }, 3},
		"time before":   {func() (kadm.ListedOffsets, error) { return after(0) }, 2},
		"time between":  {func() (kadm.ListedOffsets, error) { return after(3) }, 3},
	} {
		listed, err := each.list()
		check(err)
		offset, _ := listed.Lookup("shortened", 0)
		same(offset.Offset, each.offset, name)
	}
	producers, err := admin.DescribeProducers(ctx, kadm.TopicsSet{"shortened": {0: {}}})
	check(err)
	same(len(producers.SortedProducers()), 1, "producers of the partition")
	same(readCommitted("shortened"), []string{"2", "9", "4", "5"}, "what is left")
}

func after(milliseconds int64) (kadm.ListedOffsets, error) {
	return admin.ListOffsetsAfterMilli(ctx, start.UnixMilli()+milliseconds, "shortened")
}

func deleteRecords(before int64) kadm.DeleteRecordsResponse {
	offsets := kadm.Offsets{}
	offsets.AddOffset("shortened", 0, before, -1)
	answers, err := admin.DeleteRecords(ctx, offsets)
	check(err)
	answer, _ := answers.Lookup("shortened", 0)
	return answer
}

func watch(group, protocol string, options ...kgo.Opt) {
	watcher := joined(group, "watched", options...)
	until("all records", func() bool { return watcher.step() == 10 && watcher.count() == 2 })
	until("a stable group", func() bool { return stateOf(group) == "Stable" })
	_, err := admin.DeleteGroup(ctx, group)
	refused(err, kerr.NonEmptyGroup)
	if protocol == "consumer" {
		described, err := admin.DescribeConsumerGroups(ctx, group)
		check(err)
		same(len(described[group].Members), 1, "members")
	} else {
		described, err := admin.DescribeGroups(ctx, group)
		check(err)
		only := described[group]
		same(len(only.AssignedPartitions()["watched"]), 2, "assignment")
	}
	watcher.close()
	until("an empty group", func() bool { return stateOf(group) == "Empty" })
	moved := kadm.Offsets{}
	moved.Add(kadm.Offset{Topic: "watched", Partition: 0, At: 4, LeaderEpoch: -1, Metadata: "moved"})
	check(admin.CommitAllOffsets(ctx, group, moved))
	_, err = admin.DeleteOffsets(ctx, group, kadm.TopicsSet{"watched": {1: {}}})
	check(err)
	offsets, err := admin.FetchOffsets(ctx, group)
	check(err)
	offset, _ := offsets.Lookup("watched", 0)
	same([]any{offset.At, offset.Metadata, len(offsets["watched"])}, []any{4, "moved", 1}, "offsets")
	_, err = admin.DeleteGroup(ctx, group)
	check(err)
	same(stateOf(group), "", "state of a deleted group")
}

// stateOf is empty where there is no such group.
func stateOf(group string) string {
	listed, err := admin.ListGroups(ctx)
	check(err)
	return listed[group].State
}
