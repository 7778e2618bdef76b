package interop;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaNormalization;

/** Answers one question about Avro per line of standard input, both in JSON. What it is asked stands in ../main.ts. */
public final class Driver {
  /** Answers are ASCII: half a character, which a schema may hold, would be lost in UTF-8. */
  static final ObjectMapper MAPPER = new ObjectMapper(
      JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build());

  public static void main(String[] arguments) throws Exception {
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    String line;
    while ((line = questions.readLine()) != null) {
      answers.println(MAPPER.writeValueAsString(answer(MAPPER.readTree(line))));
    }
  }

  private static ObjectNode answer(JsonNode question) {
    ObjectNode answer = MAPPER.createObjectNode();
    try {
      switch (question.get("ask").asText()) {
        case "parse" -> parse(question, answer);
        case "pair" -> pair(question, answer);
        case "read" -> Values.read(question, answer);
        case "write" -> Values.write(question, answer);
        default -> answer.put("error", "unknown question");
      }
    } catch (Throwable problem) {
      answer.put("error", textOf(problem));
    }
    return answer;
  }

  private static void parse(JsonNode question, ObjectNode answer) {
    ObjectNode lenient = answer.putObject("lenient");
    try {
      List<Schema> references = new ArrayList<>();
      Schema schema = parsed(question, "schema", false, references);
      lenient.put("canonical", schema.toString(references, false));
      lenient.put("inlined", schema.toString());
      lenient.put("parsingCanonicalForm", SchemaNormalization.toParsingForm(schema));
      lenient.put("fingerprint", Long.toHexString(SchemaNormalization.parsingFingerprint64(schema)));
    } catch (Throwable problem) {
      lenient.removeAll();
      lenient.put("error", textOf(problem));
    }
    ObjectNode strict = answer.putObject("strict");
    try {
      strict.put("canonical", parsed(question, "schema", true, new ArrayList<>()).toString());
    } catch (Throwable problem) {
      strict.put("error", textOf(problem));
    }
  }

  private static void pair(JsonNode question, ObjectNode answer) {
    Schema reader = parsed(question, "reader", false, new ArrayList<>());
    Schema writer = parsed(question, "writer", false, new ArrayList<>());
    try {
      var result = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult();
      answer.put("compatible", result.getCompatibility() == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE);
      ArrayNode details = answer.putArray("details");
      for (var incompatibility : result.getIncompatibilities()) {
        details.addObject()
            .put("type", incompatibility.getType().toString())
            .put("path", incompatibility.getLocation())
            .put("message", incompatibility.getMessage());
      }
    } catch (RuntimeException problem) {
      answer.put("exception", problem.getClass().getSimpleName() + ": " + problem.getMessage());
    }
  }

  /** A registry parses new schemas strictly and stored ones leniently, references before what refers to them. */
  static Schema parsed(JsonNode question, String name, boolean strict, List<Schema> references) {
    Schema.Parser parser = new Schema.Parser(strict ? NameValidator.STRICT_VALIDATOR : NameValidator.NO_VALIDATION);
    parser.setValidateDefaults(strict);
    if (question.has("references")) {
      for (JsonNode reference : question.get("references")) {
        references.add(parser.parse(reference.textValue()));
      }
    }
    return parser.parse(question.get(name).textValue());
  }

  static byte[] bytesOf(JsonNode question, String name) {
    return HexFormat.of().parseHex(question.get(name).asText());
  }

  private static String textOf(Throwable problem) {
    return problem.getMessage() == null ? problem.getClass().getSimpleName() : problem.getMessage();
  }
}
