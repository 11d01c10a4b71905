package org.knowcap.generators.export;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;

/**
 * An item with everything known about it: a line of JSONL or a row of Parquet.
 *
 * @param source number of the source in its corpus, from 0
 * @param item   its number in the source's stream: exposure item / N of the person
 * @param person 0..N-1
 * @param text   the text of all tokens except the first
 * @param tokens the end-of-text token, then the text's tokens, 0..V-1
 * @param spans  the tokens that state knowledge
 * @param values the person's true values
 */
record Biography(int source, long item, long person, String text, List<Integer> tokens, List<TextSpan> spans,
    List<Value> values) {

  /**
   * A span with its position in the text.
   *
   * @param part      "names", "values", "diversity", or "none" if another span implies the value
   * @param start     the first of {@code tokens}
   * @param end       the token after the last
   * @param charStart the first character of {@code text}, counted in Unicode code points
   * @param charEnd   the character after the last
   */
  record TextSpan(String attribute, String part, int start, int end, int charStart, int charEnd) {}

  /** A value worded as in the texts; a name includes all its parts. */
  record Value(String attribute, String value) {}

  /**
   * A row of the truth table: a span, and the value that it states in full or in part.
   *
   * @param start the first token; token 0 of an item is the end-of-text token
   * @param end   the token after the last
   */
  record Truth(int source, long item, long person, String attribute, String part, String value, int start,
      int end) {}

  static List<TextSpan> textSpans(AnnotatedItem item, TokenBytes text) {
    int[] characters = characters(item, text);
    List<TextSpan> textSpans = new ArrayList<>();
    for (Span span : item.spans()) {
      textSpans.add(new TextSpan(span.attribute().key(), span.kind().partName(), span.start(), span.end(),
          characters[span.start()], characters[span.end()]));
    }
    return textSpans;
  }

  static List<Truth> truth(int number, Source source, long item) {
    long person = source.person(item);
    Map<Attribute, String> values = source.values(person);
    List<Truth> rows = new ArrayList<>();
    for (Span span : source.annotated(item).spans()) {
      rows.add(new Truth(number, item, person, span.attribute().key(), span.kind().partName(),
          values.get(span.attribute()), span.start(), span.end()));
    }
    return rows;
  }

  /** The number of the text's characters in front of each token, and in front of the end. */
  static int[] characters(AnnotatedItem item, TokenBytes text) {
    int[] tokens = item.tokens();
    int[] characters = new int[tokens.length + 1];
    // Token 0 is the end of text, which the text does not include.
    for (int i = 1; i < tokens.length; i++) {
      characters[i + 1] = characters[i] + text.characters(tokens[i]);
    }
    return characters;
  }
}
