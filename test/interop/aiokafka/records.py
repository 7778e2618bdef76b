"""Records as such: how they are packed, when they were made, how often they are there."""

import asyncio

from aiokafka import TopicPartition
from cluster import consumer, create, poll, producer, read, until
from driver import CODECS, START, kill_broker, same, sample


async def round_trip():
    for codec in CODECS:
        await send_and_compare(f"sent-{codec}", "producer", None if codec == "none" else codec)


async def recompression():
    for codec in ("uncompressed", *CODECS[1:]):
        await send_and_compare(f"kept-{codec}", codec, None if codec == "gzip" else "gzip")


async def send_and_compare(topic, topic_codec, producer_codec):
    await create(topic, 3, compression_type=topic_codec)
    # The client refuses records with neither.
    sent = [record for record in map(sample, range(300)) if record["key"] or record["value"]]
    async with producer(compression_type=producer_codec, linger_ms=20) as sender:
        for record in sent:
            await sender.send(
                topic,
                record["value"],
                key=record["key"],
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
                headers=record["headers"],
            )
    shown = [
        {
            "partition": record.partition,
            "timestamp": record.timestamp,
            "key": record.key,
            "value": record.value,
            "headers": list(record.headers),
        }
        for record in await read(topic, 3)
    ]
    for partition in range(3):
        actual = [record for record in shown if record["partition"] == partition]
        same(actual, [record for record in sent if record["partition"] == partition], f"{topic}-{partition}")


async def find_by_time():
    await create("timed", 1)
    place = TopicPartition("timed", 0)
    async with producer() as sender:
        for number in range(10):
            await sender.send("timed", str(number).encode(), partition=0, timestamp_ms=START + number * 1000)
    async with consumer(group_id="timed") as mover:
        mover.assign([place])
        found = (await mover.offsets_for_times({place: START + 4500}))[place]
        same((found.offset, found.timestamp), (5, START + 5000), "offset by time")
        behind = (await mover.offsets_for_times({place: START + 9001}))[place]
        same(behind, None, "a time behind the last")
        await mover.commit({place: found.offset})
    values = []
    async with consumer("timed", group_id="timed") as reader:

        async def step():
            values.extend(record.value for record in await poll(reader))
            return len(values) >= 5

        await until("the records", step)
    same(values, [b"5", b"6", b"7", b"8", b"9"], "values from then on")


async def kill():
    await create("killed", 2)
    sent = []
    async with producer(linger_ms=0, max_batch_size=500, request_timeout_ms=60_000) as sender:

        async def send(more):
            for _ in range(more):
                number = len(sent)
                sent.append(await sender.send("killed", str(number).encode(), partition=number % 2))

        await send(500)
        await sender.flush()
        killed = asyncio.create_task(asyncio.to_thread(kill_broker))
        while not killed.done():
            await send(20)
            await asyncio.sleep(0.005)
        await send(500)
        await asyncio.gather(*sent)
    records = await read("killed", 2)
    for partition in range(2):
        values = [int(record.value) for record in records if record.partition == partition]
        expected = list(range(partition, len(sent), 2))
        same(len(values), len(expected), f"records in partition {partition}")
        same(values, expected, f"partition {partition}")


scenarios = {"round-trip": round_trip, "recompression": recompression, "time": find_by_time, "kill-idempotence": kill}
