// Produces, consumes, commits and transacts: smoke <bootstrap> <classic|consumer>.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	protocol = os.Args[2]
	source   = fmt.Sprintf("source-%d", time.Now().UnixNano())
	target   = source + "-target"
)

func check(err error, what string) {
	if err != nil {
		fmt.Printf("%s: %s: %v\n", protocol, what, err)
		os.Exit(1)
	}
}

func expect(actual, expected any, what string) {
	if actual != expected {
		check(fmt.Errorf("%v instead of %v", actual, expected), what)
	}
}

func client(ctx context.Context, options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append(options, kgo.SeedBrokers(os.Args[1]), kgo.WithContext(ctx))...)
	check(err, "client")
	return made
}

func group(name, topic string, options ...kgo.Opt) []kgo.Opt {
	start := kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())
	return append(options, kgo.ConsumerGroup(name), kgo.ConsumeTopics(topic), start)
}

func read(ctx context.Context, reader *kgo.Client, count int) map[string]int {
	values := map[string]int{}
	for read := 0; read < count; {
		fetches := reader.PollFetches(ctx)
		check(fetches.Err(), "fetch")
		fetches.EachRecord(func(record *kgo.Record) {
			values[string(record.Value)]++
			read++
		})
	}
	return values
}

func produce(ctx context.Context) {
	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	for round, codec := range codecs {
		producer := client(ctx, kgo.ProducerBatchCompression(codec))
		for number := range 400 {
			value := fmt.Sprintf("value %d %d", round, number)
			record := &kgo.Record{Topic: source, Key: fmt.Append(nil, number), Value: []byte(value)}
			producer.Produce(ctx, record, func(_ *kgo.Record, err error) { check(err, "produce") })
		}
		check(producer.Flush(ctx), "flush")
		producer.Close()
	}
}

func transact(ctx context.Context) {
	producer := client(ctx, kgo.TransactionalID(target), kgo.TransactionTimeout(10*time.Second))
	for round, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit, kgo.TryCommit} {
		check(producer.BeginTransaction(), "begin")
		for number := range 10 {
			record := &kgo.Record{Topic: target, Value: fmt.Appendf(nil, "%d %d", round, number)}
			producer.Produce(ctx, record, func(_ *kgo.Record, err error) { check(err, "produce in a transaction") })
		}
		check(producer.Flush(ctx), "flush in a transaction")
		check(producer.EndTransaction(ctx, end), "end of a transaction")
	}
	producer.Close()
	reader := client(ctx, group("committed", target, kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
	for value := range read(ctx, reader, 20) {
		if value[0] == '0' {
			check(errors.New(value), "aborted record read")
		}
	}
	reader.Close()
}

func consumeTransformProduce(ctx context.Context, admin *kadm.Client) {
	options := group("transform", source, kgo.TransactionalID("transform"), kgo.RequireStableFetchOffsets())
	session, err := kgo.NewGroupTransactSession(append(options, kgo.SeedBrokers(os.Args[1]), kgo.WithContext(ctx))...)
	check(err, "session")
	for done := 0; done < 2000; {
		fetches := session.PollFetches(ctx)
		check(fetches.Err(), "fetch of a session")
		check(session.Begin(), "begin of a session")
		fetches.EachRecord(func(record *kgo.Record) {
			copied := &kgo.Record{Topic: target, Value: record.Value}
			session.Produce(ctx, copied, func(_ *kgo.Record, err error) { check(err, "produce of a session") })
		})
		isCommitted, err := session.End(ctx, kgo.TryCommit)
		check(err, "end of a session")
		if isCommitted {
			done += fetches.NumRecords()
		}
	}
	offsets, err := admin.FetchOffsets(ctx, "transform")
	check(err, "offsets")
	var sum int64
	for _, offset := range offsets[source] {
		sum += offset.At
	}
	expect(sum, int64(2000), "offsets committed by a session")
	session.Close()
}

func replaceProducer(ctx context.Context) {
	older, newer := client(ctx, kgo.TransactionalID("one")), client(ctx, kgo.TransactionalID("one"))
	for _, producer := range []*kgo.Client{older, newer} {
		check(producer.BeginTransaction(), "begin")
		check(producer.ProduceSync(ctx, &kgo.Record{Topic: target}).FirstErr(), "produce")
	}
	check(newer.EndTransaction(ctx, kgo.TryCommit), "end")
	err := older.EndTransaction(ctx, kgo.TryCommit)
	isFenced := errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.ProducerFenced)
	expect(isFenced, true, fmt.Sprintf("whether a producer that was replaced is fenced (%v)", err))
}

func main() {
	ctx := context.Background()
	if protocol == "consumer" {
		ctx = context.WithValue(ctx, "opt_in_kafka_next_gen_balancer_beta", true)
	}
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	admin := kadm.NewClient(client(ctx))
	_, err := admin.CreateTopics(ctx, 4, 3, nil, source, target)
	check(err, "create")
	produce(ctx)
	reader := client(ctx, group("readers", source, kgo.DisableAutoCommit())...)
	expect(len(read(ctx, reader, 2000)), 2000, "distinct records")
	check(reader.CommitUncommittedOffsets(ctx), "commit")
	lags, err := admin.Lag(ctx, "readers")
	check(err, "lag")
	readers := lags["readers"]
	expect(readers.Lag.Total(), int64(0), "lag")
	reader.Close()
	transact(ctx)
	consumeTransformProduce(ctx, admin)
	replaceProducer(ctx)
}
