package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Records as such: how they are packed, when they were made, how often they are there.
var records = map[string]func(){
	"round-trip": func() {
		for codec := range codecs {
			sendAndCompare("sent-"+codec, "producer", codec)
		}
	},
	"recompression": func() {
		for codec := range codecs {
			other, kept := "gzip", codec
			if codec == "gzip" {
				other = "none"
			}
			if codec == "none" {
				kept = "uncompressed"
			}
			sendAndCompare("kept-"+codec, kept, other)
		}
	},
	"time":             findByTime,
	"kill-idempotence": killIdempotence,
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

var start = time.Now().Add(-time.Hour).Truncate(time.Millisecond)

func sendAndCompare(topic, topicCodec, producerCodec string) {
	create(topic, 3, map[string]*string{"compression.type": &topicCodec})
	sender := producer(kgo.ProducerBatchCompression(codecs[producerCodec]), kgo.ProducerLinger(20*time.Millisecond))
	defer sender.Close()
	sent, expected, actual := []*kgo.Record{}, [3][]string{}, [3][]string{}
	for number := range 300 {
		record := sample(topic, number)
		sent = append(sent, record)
		expected[record.Partition] = append(expected[record.Partition], shown(record))
	}
	check(sender.ProduceSync(ctx, sent...).FirstErr())
	for _, record := range read(topic, kgo.ReadCommitted()) {
		actual[record.Partition] = append(actual[record.Partition], shown(record))
	}
	for partition := range expected {
		same(actual[partition], expected[partition], topic)
	}
}

// sample makes every kind of key, value and header there can be, small and large.
func sample(topic string, number int) *kgo.Record {
	record := &kgo.Record{Topic: topic, Partition: int32(number % 3)}
	record.Timestamp = start.Add(time.Duration(number) * time.Millisecond)
	if number%7 != 0 {
		record.Key = fmt.Appendf(nil, "key %d", number%50)
	}
	switch number % 10 {
	case 0:
	case 1:
		record.Value = []byte{}
	default:
		record.Value = []byte(strings.Repeat(fmt.Sprintf("value %d ", number), number))
	}
	if number%4 != 0 {
		record.Headers = []kgo.RecordHeader{{Key: "twice", Value: []byte("first")}, {Key: "twice", Value: []byte{}}, {Key: "nothing"}}
	}
	return record
}

func shown(record *kgo.Record) string {
	text := fmt.Sprint(record.Timestamp.UnixMilli(), record.Key == nil, string(record.Key), record.Value == nil, string(record.Value))
	for _, header := range record.Headers {
		text += fmt.Sprint(header.Key, header.Value == nil, string(header.Value))
	}
	return text
}

func findByTime() {
	create("timed", 1, nil)
	sender := producer()
	defer sender.Close()
	for number := range 10 {
		made := start.Add(time.Duration(number) * time.Second)
		record := &kgo.Record{Topic: "timed", Value: []byte(strconv.Itoa(number)), Timestamp: made}
		check(sender.ProduceSync(ctx, record).FirstErr())
	}
	listed, err := admin.ListOffsetsAfterMilli(ctx, start.UnixMilli()+4500, "timed")
	check(err)
	found, _ := listed.Lookup("timed", 0)
	same(found.Offset, 5, "offset by time")
	same(found.Timestamp, start.UnixMilli()+5000, "time of that offset")
	check(admin.CommitAllOffsets(ctx, "timed", listed.Offsets()))
	reader := client(kgo.ConsumerGroup("timed"), kgo.ConsumeTopics("timed"))
	defer reader.Close()
	read := []string{}
	until("the records", func() bool {
		read = append(read, values(poll(reader, 10))...)
		return len(read) >= 5
	})
	same(read, []string{"5", "6", "7", "8", "9"}, "values from then on")
	behind, err := admin.ListOffsetsAfterMilli(ctx, start.UnixMilli()+9001, "timed")
	check(err)
	// Where there is nothing so young, the client asks for the end.
	behind.Each(func(offset kadm.ListedOffset) { same(offset.Offset, 10, "a time behind the last") })
}

func killIdempotence() {
	create("killed", 2, nil)
	sender := producer(kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(512))
	defer sender.Close()
	sent := [2][]string{}
	count := 0
	promise := kgo.AbortingFirstErrPromise(sender)
	send := func(more int) {
		for range more {
			partition := count % 2
			record := &kgo.Record{Topic: "killed", Partition: int32(partition), Value: []byte(strconv.Itoa(count))}
			sent[partition] = append(sent[partition], strconv.Itoa(count))
			sender.Produce(ctx, record, promise.Promise())
			count++
		}
	}
	send(500)
	check(sender.Flush(ctx))
	killed := atomic.Bool{}
	go func() {
		killBroker()
		killed.Store(true)
	}()
	for !killed.Load() {
		send(20)
		time.Sleep(5 * time.Millisecond)
	}
	send(500)
	check(promise.Err())
	actual := [2][]string{}
	for _, record := range read("killed", kgo.ReadCommitted()) {
		actual[record.Partition] = append(actual[record.Partition], string(record.Value))
	}
	for partition := range sent {
		same(len(actual[partition]), len(sent[partition]), "records in a partition")
		same(actual[partition], sent[partition], "partition")
	}
}
