package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Transactions: what they let be seen, who is let write in them, and what a kill leaves of them.
var transactions = map[string]func(){
	"transactions":     outcomes,
	"fencing":          fencing,
	"kill-transaction": killTransaction,
	"exactly-once": func() {
		exactlyOnce("classic")
		exactlyOnce("consumer", kgo.ServerSideBalancer())
	},
}

func transactional(id string) *kgo.Client {
	return producer(kgo.TransactionalID(id), kgo.TransactionTimeout(time.Minute))
}

// copier reads a topic in a group, and writes and commits in transactions.
func copier(id, group, topic string, options ...kgo.Opt) *kgo.GroupTransactSession {
	session, err := kgo.NewGroupTransactSession(append(with(options...),
		kgo.TransactionalID(id), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.RequireStableFetchOffsets(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	check(err)
	return session
}

// ten records to two partitions.
func ten(topic, value string) []*kgo.Record {
	all := []*kgo.Record{}
	for number := range 10 {
		all = append(all, &kgo.Record{Topic: topic, Partition: int32(number % 2), Value: []byte(value)})
	}
	return all
}

func outcomes() {
	create("source", 1, nil)
	create("outcomes", 2, nil)
	sendNumbers("source", 0, 3, 1)
	session := copier("outcomes", "outcomes", "source")
	defer session.Close()
	// What the second aborts, the third reads again.
	for round, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		until("a record", func() bool { return len(poll(session, 1)) > 0 })
		check(session.Begin())
		check(session.ProduceSync(ctx, ten("outcomes", fmt.Sprint("round ", round))...).FirstErr())
		isCommitted, err := session.End(ctx, end)
		check(err)
		same(isCommitted, end == kgo.TryCommit, "whether it is committed")
		// Apache Kafka answers before the offsets count.
		until("the offset", func() bool { return committedOffset("outcomes", "source") == []int64{1, 1, 2}[round] })
	}
	seen := readCommitted("outcomes")
	same([]int{countOf(seen, "round 0"), countOf(seen, "round 2"), len(seen)}, []int{10, 10, 20}, "what is committed")
	same(len(read("outcomes", kgo.ReadUncommitted())), 30, "all records")
}

func committedOffset(group, topic string) int64 {
	offsets, err := admin.FetchOffsets(ctx, group)
	check(err)
	offset, _ := offsets.Lookup(topic, 0)
	return offset.At
}

func commit(sender *kgo.Client, topic, value string) error {
	check(sender.BeginTransaction())
	check(sender.ProduceSync(ctx, ten(topic, value)...).FirstErr())
	return sender.EndTransaction(ctx, kgo.TryCommit)
}

func fencing() {
	create("fenced", 2, nil)
	older, newer := transactional("fenced"), transactional("fenced")
	defer older.Close()
	defer newer.Close()
	check(older.BeginTransaction())
	check(older.ProduceSync(ctx, ten("fenced", "of the older")...).FirstErr())
	check(commit(newer, "fenced", "of the newer"))
	err := older.EndTransaction(ctx, kgo.TryCommit)
	if !slices.Contains([]error{kerr.InvalidProducerEpoch, kerr.ProducerFenced}, err) {
		refused(err, kerr.ProducerFenced)
	}
	seen := readCommitted("fenced")
	same([]int{countOf(seen, "of the newer"), len(seen)}, []int{10, 10}, "what is committed")
	lateOffsets("late-classic", kerr.UnknownMemberID)
	lateOffsets("late-consumer", kerr.UnknownMemberID, kgo.ServerSideBalancer())
}

// lateOffsets: a member that has left its group may not commit by a transaction (KIP-447).
func lateOffsets(group string, expected error, options ...kgo.Opt) {
	create(group, 2, nil)
	member := joined(group, group, options...)
	until("partitions", func() bool { return member.step() >= 0 && member.count() == 2 })
	memberID, generation := member.client.GroupMetadata()
	member.close()
	until("an empty group", func() bool { return stateOf(group) == "Empty" })
	sender := transactional(group)
	defer sender.Close()
	check(sender.BeginTransaction())
	check(sender.ProduceSync(ctx, ten(group, "with late offsets")...).FirstErr())
	id, epoch, err := sender.ProducerID(ctx)
	check(err)
	request := kmsg.NewTxnOffsetCommitRequest()
	request.TransactionalID, request.Group, request.ProducerID, request.ProducerEpoch = group, group, id, epoch
	request.MemberID, request.Generation = memberID, generation
	topic, partition := kmsg.NewTxnOffsetCommitRequestTopic(), kmsg.NewTxnOffsetCommitRequestTopicPartition()
	partition.Offset, topic.Topic = 1, group
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(ctx, sender)
	check(err)
	refused(kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode), expected)
	check(sender.EndTransaction(ctx, kgo.TryAbort))
}

func killTransaction() {
	create("cut", 2, nil)
	sender := transactional("cut")
	check(sender.BeginTransaction())
	check(sender.ProduceSync(ctx, ten("cut", "before")...).FirstErr())
	killBroker()
	expected := 10
	if sender.EndTransaction(ctx, kgo.TryCommit) != nil {
		expected = 0
	}
	sender.Close()
	next := transactional("cut")
	defer next.Close()
	check(commit(next, "cut", "after"))
	seen := readCommitted("cut")
	same(countOf(seen, "before"), expected, "records of the one that was cut")
	same(countOf(seen, "after"), 10, "records of the next one")
}

func exactlyOnce(protocol string, options ...kgo.Opt) {
	taken, given := "taken-"+protocol, "given-"+protocol
	create(taken, 4, nil)
	create(given, 4, nil)
	sendNumbers(taken, 0, 400, 4)
	one := copier("copier-one-"+protocol, "copiers-"+protocol, taken, options...)
	copied := 0
	step := func(session *kgo.GroupTransactSession) int {
		count := copyOnce(session, given)
		copied += count
		return count
	}
	until("the first to begin", func() bool { return step(one) > 0 })
	other := copier("copier-other-"+protocol, "copiers-"+protocol, taken, options...)
	defer other.Close()
	until("the other to begin", func() bool { step(one); return step(other) > 0 })
	sendNumbers(taken, 400, 800, 4)
	until("the other to go on", func() bool { step(one); return step(other) > 0 })
	one.Close()
	sendNumbers(taken, 800, 1200, 4)
	until("the end", func() bool { step(other); return copied >= 1200 })
	numbers := []int{}
	for _, text := range readCommitted(given) {
		number, err := strconv.Atoi(text)
		check(err)
		numbers = append(numbers, number)
	}
	same(ordered(numbers), upTo(1200), "what was copied")
}

// copyOnce copies what has come, in a transaction with its offsets, and says how much.
func copyOnce(session *kgo.GroupTransactSession, target string) int {
	taken := poll(session, 20)
	if len(taken) == 0 {
		return 0
	}
	check(session.Begin())
	given := []*kgo.Record{}
	for _, record := range taken {
		given = append(given, &kgo.Record{Topic: target, Partition: record.Partition, Value: record.Value})
	}
	check(session.ProduceSync(ctx, given...).FirstErr())
	isCommitted, err := session.End(ctx, kgo.TryCommit)
	check(err)
	if !isCommitted {
		return 0
	}
	return len(taken)
}
