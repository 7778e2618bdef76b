package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	ctx   = context.Background()
	admin = kadm.NewClient(client())
)

// with adds options to those that every client has.
func with(options ...kgo.Opt) []kgo.Opt {
	return append(options, kgo.SeedBrokers(os.Args[1]), kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(100*time.Millisecond))
}

func client(options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(with(options...)...)
	check(err)
	return made
}

// producer sends a record to the partition that is written on it.
func producer(options ...kgo.Opt) *kgo.Client {
	return client(append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
}

func create(topic string, partitions int32, configs map[string]*string) {
	_, err := admin.CreateTopic(ctx, partitions, 3, configs, topic)
	check(err)
}

// sendNumbers sends the numbers from first to last, without last, to the partitions in turn.
func sendNumbers(topic string, first, last, partitions int) {
	sender := producer()
	defer sender.Close()
	all := []*kgo.Record{}
	for number := first; number < last; number++ {
		all = append(all, &kgo.Record{Topic: topic, Partition: int32(number % partitions), Value: []byte(strconv.Itoa(number))})
	}
	check(sender.ProduceSync(ctx, all...).FirstErr())
}

// read returns all records of a topic, as a reader of that isolation sees them.
func read(topic string, isolation kgo.IsolationLevel) []*kgo.Record {
	list := admin.ListEndOffsets
	if isolation == kgo.ReadCommitted() {
		list = admin.ListCommittedOffsets
	}
	ends, err := list(ctx, topic)
	check(err)
	starts := map[int32]kgo.Offset{}
	open := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		starts[end.Partition] = kgo.NewOffset().AtStart()
		if end.Offset > 0 {
			open[end.Partition] = end.Offset
		}
	})
	partitions := kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts})
	// Markers of transactions may be the last thing there is.
	reader := client(partitions, kgo.FetchIsolationLevel(isolation), kgo.KeepControlRecords())
	defer reader.Close()
	all := []*kgo.Record{}
	until("the end of "+topic, func() bool {
		for _, record := range poll(reader, 500) {
			if record.Offset+1 >= open[record.Partition] {
				delete(open, record.Partition)
			}
			if !record.Attrs.IsControl() {
				all = append(all, record)
			}
		}
		return len(open) == 0
	})
	return all
}

type poller interface {
	PollRecords(context.Context, int) kgo.Fetches
}

// poll waits for a moment and returns what has come.
func poll(reader poller, most int) []*kgo.Record {
	moment, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	fetches := reader.PollRecords(moment, most)
	for _, failure := range fetches.Errors() {
		if !errors.Is(failure.Err, context.DeadlineExceeded) {
			check(failure.Err)
		}
	}
	return fetches.Records()
}

func values(records []*kgo.Record) []string {
	texts := []string{}
	for _, record := range records {
		texts = append(texts, string(record.Value))
	}
	return texts
}

func readCommitted(topic string) []string { return values(read(topic, kgo.ReadCommitted())) }

func countOf(texts []string, wanted string) (count int) {
	for _, text := range texts {
		if text == wanted {
			count++
		}
	}
	return count
}
