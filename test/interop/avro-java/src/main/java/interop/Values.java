package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericEnumSymbol;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonDecoder;

/** Reads and writes values, and shows them so that every type can be told from every other. */
final class Values {
  private Values() {
  }

  /** Bytes of the writer's schema, as a value of the reader's; with `logical`, as what Java's conversions make of it. */
  static void read(JsonNode question, ObjectNode answer) throws Exception {
    Schema writer = Driver.parsed(question, "writer", false, new ArrayList<>());
    Schema reader = Driver.parsed(question, "reader", false, new ArrayList<>());
    GenericData data = question.has("logical") ? logical() : new GenericData();
    BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(Driver.bytesOf(question, "bytes"), null);
    Object value = new GenericDatumReader<>(writer, reader, data).read(null, decoder);
    if (!decoder.isEnd()) {
      answer.put("error", "bytes are left over");
      return;
    }
    answer.set("value", shown(value));
  }

  /** A value in Avro's JSON encoding, as bytes. */
  static void write(JsonNode question, ObjectNode answer) throws Exception {
    Schema schema = Driver.parsed(question, "schema", false, new ArrayList<>());
    JsonDecoder decoder = DecoderFactory.get().jsonDecoder(schema, question.get("json").textValue());
    Object value = new GenericDatumReader<>(schema).read(null, decoder);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    var encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<>(schema).write(value, encoder);
    encoder.flush();
    answer.put("bytes", HexFormat.of().formatHex(bytes.toByteArray()));
  }

  private static GenericData logical() {
    GenericData data = new GenericData();
    data.addLogicalTypeConversion(new Conversions.DecimalConversion());
    data.addLogicalTypeConversion(new Conversions.BigDecimalConversion());
    data.addLogicalTypeConversion(new Conversions.UUIDConversion());
    data.addLogicalTypeConversion(new Conversions.DurationConversion());
    data.addLogicalTypeConversion(new TimeConversions.DateConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimeMillisConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimeMicrosConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimestampMicrosConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimestampNanosConversion());
    data.addLogicalTypeConversion(new TimeConversions.LocalTimestampMillisConversion());
    data.addLogicalTypeConversion(new TimeConversions.LocalTimestampMicrosConversion());
    data.addLogicalTypeConversion(new TimeConversions.LocalTimestampNanosConversion());
    return data;
  }

  private static JsonNode shown(Object value) {
    ObjectNode node = Driver.MAPPER.createObjectNode();
    if (value == null) {
      return node.put("null", "");
    } else if (value instanceof Boolean || value instanceof Integer || value instanceof Long) {
      return node.put(value.getClass().getSimpleName().toLowerCase(), value.toString());
    } else if (value instanceof Float number) {
      return node.put("float", Integer.toHexString(Float.floatToIntBits(number)));
    } else if (value instanceof Double number) {
      return node.put("double", Long.toHexString(Double.doubleToLongBits(number)));
    } else if (value instanceof CharSequence) {
      return node.put("string", value.toString());
    } else if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return node.put("bytes", HexFormat.of().formatHex(bytes));
    } else if (value instanceof GenericFixed fixed) {
      return node.put("fixed " + fixed.getSchema().getFullName(), HexFormat.of().formatHex(fixed.bytes()));
    } else if (value instanceof GenericEnumSymbol<?> symbol) {
      return node.put("enum " + symbol.getSchema().getFullName(), symbol.toString());
    } else if (value instanceof IndexedRecord record) {
      ObjectNode fields = node.putObject("record " + record.getSchema().getFullName());
      for (Schema.Field field : record.getSchema().getFields()) {
        fields.set(field.name(), shown(record.get(field.pos())));
      }
      return node;
    } else if (value instanceof Collection<?> items) {
      ArrayNode array = node.putArray("array");
      items.forEach(item -> array.add(shown(item)));
      return node;
    } else if (value instanceof Map<?, ?> entries) {
      ObjectNode map = node.putObject("map");
      TreeMap<String, Object> sorted = new TreeMap<>();
      entries.forEach((key, entry) -> sorted.put(key.toString(), entry));
      sorted.forEach((key, entry) -> map.set(key, shown(entry)));
      return node;
    }
    return node.put(value.getClass().getSimpleName(), value.toString());
  }
}
