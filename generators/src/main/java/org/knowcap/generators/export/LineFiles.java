package org.knowcap.generators.export;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.export.PlannedFile.Content;
import org.knowcap.generators.export.Sequences.Items;
import org.knowcap.generators.tokens.Vocabulary;

/** Files of lines: plain text, and JSON objects whose fields are those of the records of {@link Biography}. */
final class LineFiles {
  private static final byte[] LINE = bytes("\n");
  private static final byte[] SOURCE = bytes("{\"source\":");
  private static final byte[] ITEM = bytes(",\"item\":");
  private static final byte[] PERSON = bytes(",\"person\":");
  private static final byte[] TEXT = bytes(",\"text\":\"");
  private static final byte[] TOKENS = bytes("\",\"tokens\":[");
  private static final byte[] SPANS = bytes("],\"spans\":[");
  private static final byte[] VALUES = bytes("],\"values\":[");
  private static final byte[] END = bytes("]}\n");
  private static final byte[] COMMA = bytes(",");
  private static final byte[] VALUE = bytes(",\"value\":");
  private static final byte[] START = bytes(",\"start\":");
  private static final byte[] STOP = bytes(",\"end\":");
  private static final byte[] CHAR_START = bytes(",\"char_start\":");
  private static final byte[] CHAR_END = bytes(",\"char_end\":");
  private static final byte[] END_OBJECT = bytes("}");

  private final TokenBytes text;
  private final TokenBytes json;
  private final TokenBytes numbers;

  LineFiles(Vocabulary vocabulary) {
    text = TokenBytes.text(vocabulary);
    json = TokenBytes.json(vocabulary);
    numbers = TokenBytes.numbers(vocabulary);
  }

  private static byte[] bytes(String ascii) {
    return ascii.getBytes(StandardCharsets.US_ASCII);
  }

  /** Whether no token has a line break, so that each text is one line. */
  boolean textsAreLines() {
    return !text.holdsAny((byte) '\n', (byte) '\r');
  }

  /** One line of text for each item. */
  Content txt(Items items) {
    return out -> {
      TextWriter writer = new TextWriter(items.source(), items.first(), text, out);
      for (long i = 0; i < items.count(); i++) {
        writer.write();
      }
      writer.flush();
      return writer.tokens();
    };
  }

  /** One {@link Biography} a line. */
  Content jsonl(Items items) {
    return out -> {
      Utf8Buffer line = new Utf8Buffer(out);
      Keys keys = new Keys("{");
      Source source = items.source();
      long all = 0;
      for (long number = items.first(); number < items.first() + items.count(); number++) {
        AnnotatedItem item = source.annotated(number);
        int[] tokens = item.tokens();
        long person = source.person(number);
        begin(line, items.number(), number, person);
        line.add(TEXT);
        line.add(json, tokens, 1, tokens.length);
        line.add(TOKENS);
        line.add(tokens[0]);
        line.add(numbers, tokens, 1, tokens.length);
        line.add(SPANS);
        addSpans(line, keys, item);
        line.add(VALUES);
        addValues(line, keys, source.values(person));
        line.add(END);
        line.flushIfFull();
        all += tokens.length;
      }
      line.flush();
      return all;
    };
  }

  /** One {@link Biography.Truth} a line. */
  Content truth(Items items) {
    return out -> {
      Utf8Buffer line = new Utf8Buffer(out);
      Keys keys = new Keys(",");
      Source source = items.source();
      long all = 0;
      for (long number = items.first(); number < items.first() + items.count(); number++) {
        long person = source.person(number);
        Map<Attribute, String> values = source.values(person);
        List<Span> spans = source.annotated(number).spans();
        for (Span span : spans) {
          begin(line, items.number(), number, person);
          line.add(keys.of(span.attribute(), span.kind()));
          line.add(VALUE);
          line.addQuoted(values.get(span.attribute()));
          line.add(START);
          line.add(span.start());
          line.add(STOP);
          line.add(span.end());
          line.add(END_OBJECT);
          line.add(LINE);
        }
        line.flushIfFull();
        all += spans.size();
      }
      line.flush();
      return all;
    };
  }

  private static void begin(Utf8Buffer line, int source, long item, long person) {
    line.add(SOURCE);
    line.add(source);
    line.add(ITEM);
    line.add(item);
    line.add(PERSON);
    line.add(person);
  }

  private void addSpans(Utf8Buffer line, Keys keys, AnnotatedItem item) {
    int[] characters = Biography.characters(item, text);
    boolean first = true;
    for (Span span : item.spans()) {
      if (!first) {
        line.add(COMMA);
      }
      first = false;
      line.add(keys.of(span.attribute(), span.kind()));
      line.add(START);
      line.add(span.start());
      line.add(STOP);
      line.add(span.end());
      line.add(CHAR_START);
      line.add(characters[span.start()]);
      line.add(CHAR_END);
      line.add(characters[span.end()]);
      line.add(END_OBJECT);
    }
  }

  private static void addValues(Utf8Buffer line, Keys keys, Map<Attribute, String> values) {
    boolean first = true;
    for (Map.Entry<Attribute, String> value : values.entrySet()) {
      if (!first) {
        line.add(COMMA);
      }
      first = false;
      line.add(keys.of(value.getKey()));
      line.add(VALUE);
      line.addQuoted(value.getValue());
      line.add(END_OBJECT);
    }
  }

  /** The beginnings of JSON objects about attributes; each is made once. */
  private static final class Keys {
    private final String before;
    private final Map<Attribute, byte[]> attributes = new HashMap<>();
    private final Map<KnowledgeKind, Map<Attribute, byte[]>> parts = new EnumMap<>(KnowledgeKind.class);

    /** @param before text in front of the attribute */
    Keys(String before) {
      this.before = before;
      for (KnowledgeKind part : KnowledgeKind.values()) {
        parts.put(part, new HashMap<>());
      }
    }

    byte[] of(Attribute attribute) {
      return attributes.computeIfAbsent(attribute,
          key -> bytes(before + "\"attribute\":\"" + key.key() + "\""));
    }

    byte[] of(Attribute attribute, KnowledgeKind part) {
      return parts.get(part)
          .computeIfAbsent(attribute, key -> bytes(
              before + "\"attribute\":\"" + key.key() + "\",\"part\":\"" + part.partName() + "\""));
    }
  }
}
