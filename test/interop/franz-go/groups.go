package main

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Groups of both protocols.
var groups = map[string]func(){
	"group-eager":       func() { comeAndGo("eager", kgo.Balancers(kgo.RangeBalancer())) },
	"group-cooperative": func() { comeAndGo("cooperative", kgo.Balancers(kgo.CooperativeStickyBalancer())) },
	"group-consumer":    func() { comeAndGo("consumer", kgo.ServerSideBalancer()) },
	"static-classic":    func() { comeBack("static-classic") },
	"static-consumer":   func() { comeBack("static-consumer", kgo.ServerSideBalancer()) },
	"regex-classic":     func() { findTopics("classic") },
	"regex-consumer":    func() { findTopics("consumer", kgo.ServerSideBalancer()) },
}

// member reads and commits, poll by poll; a rebalance waits until it has committed.
type member struct {
	client *kgo.Client
	values []int
	lock   sync.Mutex
	owned  []string
}

func joined(group, topic string, options ...kgo.Opt) *member {
	made := &member{}
	made.client = client(append(options,
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(made.change(func(owned []string, name string) []string { return append(owned, name) })),
		kgo.OnPartitionsRevoked(made.change(without)), kgo.OnPartitionsLost(made.change(without)))...)
	return made
}

func without(owned []string, name string) []string {
	return slices.DeleteFunc(owned, func(each string) bool { return each == name })
}

type onPartitions = func(context.Context, *kgo.Client, map[string][]int32)

func (m *member) change(how func([]string, string) []string) onPartitions {
	return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
		m.lock.Lock()
		defer m.lock.Unlock()
		for topic, partitions := range changed {
			for _, partition := range partitions {
				m.owned = how(m.owned, topic+"/"+strconv.Itoa(int(partition)))
			}
		}
	}
}

// step says how many records it has read so far.
func (m *member) step() int {
	for _, text := range values(poll(m.client, 100)) {
		number, err := strconv.Atoi(text)
		check(err)
		m.values = append(m.values, number)
	}
	check(m.client.CommitUncommittedOffsets(ctx))
	m.client.AllowRebalance()
	return len(m.values)
}

func (m *member) has() []string {
	m.lock.Lock()
	defer m.lock.Unlock()
	return slices.Sorted(slices.Values(m.owned))
}

func (m *member) count() int { return len(m.has()) }

func (m *member) close() { m.client.CloseAllowingRebalance() }

func comeAndGo(name string, options ...kgo.Opt) {
	create(name, 6, nil)
	sendNumbers(name, 0, 200, 6)
	one := joined(name, name, options...)
	until("the first records", func() bool { return one.step() >= 200 })
	other := joined(name, name, options...)
	defer other.close()
	until("both to have partitions", func() bool { return one.step()+other.step() > 0 && one.count() == 3 && other.count() == 3 })
	sendNumbers(name, 200, 400, 6)
	until("the next records", func() bool { return one.step()+other.step() >= 400 })
	one.close()
	sendNumbers(name, 400, 600, 6)
	until("the last records", func() bool { return len(one.values)+other.step() >= 600 && other.count() == 6 })
	same(ordered(append(one.values, other.values...)), upTo(600), "what both have read")
	offsets, err := admin.FetchOffsets(ctx, name)
	check(err)
	sum := int64(0)
	offsets.Each(func(offset kadm.OffsetResponse) { sum += offset.At })
	same(sum, 600, "committed offsets")
}

func ordered(numbers []int) []int { return slices.Sorted(slices.Values(numbers)) }

func upTo(count int) []int {
	numbers := []int{}
	for number := range count {
		numbers = append(numbers, number)
	}
	return numbers
}

func comeBack(name string, options ...kgo.Opt) {
	create(name, 6, nil)
	join := func(instance string) *member { return joined(name, name, append(options, kgo.InstanceID(instance))...) }
	other, one := join("other"), join("one")
	defer other.close()
	generation := func(of *member) int32 {
		_, number := of.client.GroupMetadata()
		return number
	}
	until("both to have partitions", func() bool { return one.step()+other.step() >= 0 && one.count() == 3 && other.count() == 3 })
	until("one generation", func() bool { return one.step()+other.step() >= 0 && generation(one) == generation(other) })
	owned, before := one.has(), generation(one)
	one.close()
	again := join("one")
	defer again.close()
	until("its partitions", func() bool { return again.step()+other.step() >= 0 && again.count() == 3 })
	same(again.has(), owned, "partitions of who has come back")
	sendNumbers(name, 0, 12, 6)
	until("the records", func() bool { return again.step()+other.step() >= 12 })
	same([]int32{generation(again), generation(other)}, []int32{before, before}, "generations")
}

func findTopics(protocol string, options ...kgo.Opt) {
	prefix := "found-" + protocol + "-"
	finder := joined("regex-"+protocol, "^"+prefix+".*", append(options, kgo.ConsumeRegex())...)
	defer finder.close()
	for _, topic := range []string{prefix + "one", prefix + "two", "not-" + prefix} {
		create(topic, 1, nil)
		sendNumbers(topic, 0, 10, 1)
		if topic[0] == 'f' {
			until(topic, func() bool { return finder.step() > 0 && slices.Contains(finder.has(), topic+"/0") })
		}
	}
	until("the records of both", func() bool { return finder.step() >= 20 })
	same(len(finder.values), 20, "records of topics with a fitting name")
}
