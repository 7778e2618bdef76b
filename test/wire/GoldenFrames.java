import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.ArrayOf;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.CompactArrayOf;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Utils;

/**
 * Prints frames that Apache Kafka's own classes encode, as JSON: messages of every API and version that the protocol
 * package has a table for, filled with reproducible values, and record batches. See README.md beside it.
 */
public final class GoldenFrames {
    private static final int[] KEYS = {
        0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
        31, 32, 33, 34, 35, 36, 37, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 55, 57, 60, 61, 65, 66, 68, 69, 74,
        75
    };
    /** Versions above are still unstable: no broker announces them. */
    private static final int INIT_PRODUCER_ID_MAX = 5;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HexFormat HEX = HexFormat.of();

    /** How the optional parts of a message are filled. */
    private enum Fill { FULL, SPARSE }

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        out.println("{\"messages\":[");
        List<String> lines = new ArrayList<>();
        for (int key : KEYS) {
            ApiMessageType type = ApiMessageType.fromApiKey((short) key);
            int highest = key == 22 ? INIT_PRODUCER_ID_MAX : type.highestSupportedVersion(true);
            for (int version = type.lowestSupportedVersion(); version <= highest; version++) {
                for (Fill fill : Fill.values()) {
                    lines.add(message(type, "request", (short) version, fill));
                    lines.add(message(type, "response", (short) version, fill));
                }
            }
        }
        out.println(String.join(",\n", lines));
        out.println("],\"batches\":[");
        out.println(String.join(",\n", batches()));
        out.println("],\"keys\":[");
        out.println(String.join(",\n", keys()));
        out.println("]}");
        out.flush();
    }

    private static String message(ApiMessageType type, String kind, short version, Fill fill) throws Exception {
        boolean request = kind.equals("request");
        ApiMessage message = request ? type.newRequest() : type.newResponse();
        Schema schema = (request ? type.requestSchemas() : type.responseSchemas())[version];
        Random random = new Random(31L * (31L * type.apiKey() + version) + kind.hashCode() + fill.ordinal());
        fill(message, schema, fill, random);

        short headerVersion = request ? type.requestHeaderVersion(version) : type.responseHeaderVersion(version);
        int correlationId = random.nextInt();
        Message header = request
            ? new RequestHeaderData()
                .setRequestApiKey(type.apiKey())
                .setRequestApiVersion(version)
                .setCorrelationId(correlationId)
                .setClientId(fill == Fill.FULL ? "client-" + random.nextInt(100) : null)
            : new ResponseHeaderData().setCorrelationId(correlationId);
        byte[] frame = concat(bytes(header, headerVersion), bytes(message, version));

        ObjectNode entry = JSON.createObjectNode();
        entry.put("api", type.name);
        entry.put("key", type.apiKey());
        entry.put("version", version);
        entry.put("kind", kind);
        entry.put("correlationId", correlationId);
        if (request) entry.put("clientId", ((RequestHeaderData) header).clientId());
        entry.put("frame", HEX.formatHex(frame));
        entry.set("value", json(message, version));
        return JSON.writeValueAsString(entry);
    }

    /** The value as Kafka's own JSON converter shows it, with records as their size. */
    private static JsonNode json(Message message, short version) throws Exception {
        Class<?> converter = Class.forName(message.getClass().getName() + "JsonConverter");
        return (JsonNode) converter.getMethod("write", message.getClass(), short.class, boolean.class)
            .invoke(null, message, version, false);
    }

    private static byte[] bytes(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return buffer.array();
    }

    /** Sets every field that the version's schema has. */
    private static void fill(Object message, Schema schema, Fill fill, Random random) throws Exception {
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                // A sparse message leaves about half of its tagged fields at their defaults.
                for (Field field : fields(tagged)) {
                    if (fill == Fill.FULL || random.nextBoolean()) set(message, field, fill, random);
                }
            } else {
                set(message, bound.def, fill, random);
            }
        }
    }

    private static Collection<Field> fields(TaggedFields tagged) throws Exception {
        java.lang.reflect.Field map = TaggedFields.class.getDeclaredField("fields");
        map.setAccessible(true);
        return ((java.util.Map<?, Field>) map.get(tagged)).values();
    }

    private static void set(Object message, Field field, Fill fill, Random random) throws Exception {
        Method setter = setter(message.getClass(), field.name);
        Object value = value(field, field.type, setter.getGenericParameterTypes()[0], fill, random);
        setter.invoke(message, value);
    }

    private static Method setter(Class<?> type, String snakeName) {
        String wanted = "set" + snakeName.replace("_", "");
        return Arrays.stream(type.getMethods())
            .filter(method -> method.getName().equalsIgnoreCase(wanted) && method.getParameterCount() == 1)
            .findFirst()
            .orElseThrow(() -> new IllegalStateException(type + " has no " + wanted));
    }

    private static Object value(Field field, Object wire, Type java, Fill fill, Random random) throws Exception {
        boolean nullable = wire instanceof org.apache.kafka.common.protocol.types.Type type && type.isNullable();
        if (nullable && fill == Fill.SPARSE && random.nextBoolean()) return null;
        if (wire instanceof ArrayOf || wire instanceof CompactArrayOf) {
            Object of = wire instanceof ArrayOf array ? array.arrayElementType().get() : ((CompactArrayOf) wire).arrayElementType().get();
            return list(field, of, java, fill, random);
        }
        if (wire instanceof Schema schema) {
            Object struct = ((Class<?>) java).getConstructor().newInstance();
            fill(struct, schema, fill, random);
            return struct;
        }
        return scalar(field, wire.toString(), (Class<?>) java, fill, random);
    }

    private static Object list(Field field, Object of, Type java, Fill fill, Random random) throws Exception {
        Class<?> container = java instanceof Class<?> type ? type : (Class<?>) ((ParameterizedType) java).getRawType();
        Type element = java instanceof ParameterizedType parameterized
            ? parameterized.getActualTypeArguments()[0]
            : ((ParameterizedType) container.getGenericSuperclass()).getActualTypeArguments()[0];
        Collection<Object> list = container == List.class
            ? new ArrayList<>()
            : (Collection<Object>) container.getConstructor().newInstance();
        int count = fill == Fill.FULL ? 1 + random.nextInt(2) : random.nextInt(2);
        for (int i = 0; i < count; i++) list.add(value(field, of, element, fill, random));
        return list;
    }

    private static Object scalar(Field field, String wire, Class<?> java, Fill fill, Random random) {
        // Error codes and the like may be anything on the wire, so all of their range is used.
        if (java == boolean.class || java == Boolean.class) return random.nextBoolean();
        if (java == byte.class || java == Byte.class) return (byte) random.nextInt();
        if (java == short.class || java == Short.class) return (short) random.nextInt();
        if (java == int.class || java == Integer.class) {
            return wire.equals("UINT16") ? random.nextInt(65536) : fill == Fill.FULL ? random.nextInt() : random.nextInt(5) - 1;
        }
        // JavaScript numbers are exact up to 2^53.
        if (java == long.class || java == Long.class) {
            return fill == Fill.FULL ? (random.nextLong() >> 11) : (long) (random.nextInt(5) - 1);
        }
        if (java == double.class) return random.nextDouble();
        if (java == Uuid.class) {
            return fill == Fill.FULL ? new Uuid(random.nextLong(), random.nextLong()) : Uuid.ZERO_UUID;
        }
        if (java == String.class) return text(field.name, fill, random);
        if (java == byte[].class) return payload(fill, random);
        if (java == ByteBuffer.class) return ByteBuffer.wrap(payload(fill, random));
        if (org.apache.kafka.common.record.internal.BaseRecords.class.isAssignableFrom(java)) {
            return MemoryRecords.withRecords(
                random.nextInt(1000),
                Compression.NONE,
                new SimpleRecord(1_700_000_000_000L, text("key", fill, random).getBytes(StandardCharsets.UTF_8), payload(fill, random)));
        }
        throw new IllegalStateException("no value for " + field.name + " of " + java);
    }

    private static String text(String name, Fill fill, Random random) {
        if (fill == Fill.SPARSE) return random.nextBoolean() ? "" : "x";
        // Now and then beyond ASCII, and now and then too long for a one-byte length.
        return switch (random.nextInt(12)) {
            case 0 -> "gr\u00fcn-\u65e5\u672c-\ud83d\ude42";
            case 1 -> "long-".repeat(26);
            default -> name.substring(0, Math.min(name.length(), 6)) + random.nextInt(100);
        };
    }

    private static byte[] payload(Fill fill, Random random) {
        byte[] bytes = new byte[fill == Fill.FULL ? 3 + random.nextInt(6) : random.nextInt(2)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] concat(byte[] left, byte[] right) {
        byte[] both = Arrays.copyOf(left, left.length + right.length);
        System.arraycopy(right, 0, both, left.length, right.length);
        return both;
    }

    private static List<String> batches() throws Exception {
        Header[] headers = { new RecordHeader("trace", new byte[] {1, 2, 3}), new RecordHeader("empty", null) };
        SimpleRecord[] records = {
            new SimpleRecord(1_700_000_000_000L, "k1".getBytes(), "v1".getBytes(), headers),
            new SimpleRecord(1_700_000_000_123L, null, "no key".getBytes()),
            new SimpleRecord(1_699_999_999_000L, "tombstone".getBytes(), null),
        };
        List<String> lines = new ArrayList<>();
        lines.add(batch("plain", MemoryRecords.withRecords(42L, Compression.NONE, 7, records)));
        lines.add(batch("gzip", MemoryRecords.withRecords(0L, Compression.gzip().build(), 7, records)));
        lines.add(batch("idempotent", MemoryRecords.withIdempotentRecords(5L, Compression.NONE, 4000L, (short) 3, 17, 1, records)));
        lines.add(batch("transactional", MemoryRecords.withTransactionalRecords(9L, Compression.NONE, 4001L, (short) 2, 0, 0, records)));
        lines.add(batch("log append time", logAppendTime(records)));
        for (ControlRecordType type : new ControlRecordType[] { ControlRecordType.COMMIT, ControlRecordType.ABORT }) {
            lines.add(batch("control " + type.name().toLowerCase(), MemoryRecords.withEndTransactionMarker(
                77L, 1_700_000_000_500L, 6, 4001L, (short) 2, new EndTransactionMarker(type, 12))));
        }
        return lines;
    }

    private static MemoryRecords logAppendTime(SimpleRecord[] records) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(
            ByteBuffer.allocate(1024), RecordBatch.CURRENT_MAGIC_VALUE, Compression.NONE, TimestampType.LOG_APPEND_TIME,
            42L, 1_700_000_999_999L, RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH, RecordBatch.NO_SEQUENCE,
            false, 7);
        for (SimpleRecord record : records) builder.append(record);
        return builder.build();
    }

    private static String batch(String name, MemoryRecords records) throws Exception {
        RecordBatch batch = records.batches().iterator().next();
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        ObjectNode entry = JSON.createObjectNode();
        entry.put("name", name);
        entry.put("batch", HEX.formatHex(bytes));
        entry.put("baseOffset", batch.baseOffset());
        entry.put("lastOffset", batch.lastOffset());
        entry.put("sizeInBytes", batch.sizeInBytes());
        entry.put("partitionLeaderEpoch", batch.partitionLeaderEpoch());
        entry.put("crc", batch.checksum());
        entry.put("maxTimestamp", batch.maxTimestamp());
        entry.put("timestampType", batch.timestampType().id);
        entry.put("compression", batch.compressionType().id);
        entry.put("producerId", batch.producerId());
        entry.put("producerEpoch", batch.producerEpoch());
        entry.put("baseSequence", batch.baseSequence());
        entry.put("isTransactional", batch.isTransactional());
        entry.put("isControl", batch.isControlBatch());
        ArrayNode list = entry.putArray("records");
        for (Record record : batch) {
            ObjectNode node = list.addObject();
            node.put("offset", record.offset());
            node.put("timestamp", record.timestamp());
            node.put("key", base64(record.key()));
            node.put("value", base64(record.value()));
            ArrayNode headers = node.putArray("headers");
            for (Header header : record.headers()) {
                headers.addObject().put("key", header.key()).put("value", base64(header.value() == null ? null : ByteBuffer.wrap(header.value())));
            }
        }
        return JSON.writeValueAsString(entry);
    }

    private static String base64(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** Hashes of keys of every length modulo 4 and beyond ASCII, and the partition that the producer picks. */
    private static List<String> keys() {
        List<String> lines = new ArrayList<>();
        Random random = new Random(7);
        for (int length = 0; length < 40; length++) {
            byte[] key = new byte[length];
            random.nextBytes(key);
            int hash = Utils.murmur2(key);
            int partitions = 1 + random.nextInt(50);
            lines.add(String.format("{\"key\":\"%s\",\"murmur2\":%d,\"partitions\":%d,\"partition\":%d}",
                HEX.formatHex(key), hash, partitions, Utils.toPositive(hash) % partitions));
        }
        return lines;
    }
}
