package org.knowcap.generators.export;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;

/**
 * An item with all that is known of it: a line of JSONL, a row of Parquet.
 *
 * @param source of its mixture, counted from 0; 0 if there is no mixture
 * @param item   its number in the source's stream: exposure item / N of the person
 * @param person 0..N-1
 * @param text   what the tokens but for the first stand for
 * @param tokens the end of text, then the text's tokens, 0..V-1
 * @param spans  which tokens state what
 * @param values what is true of the person
 */
record Biography(int source, long item, long person, String text, List<Integer> tokens, List<Place> spans,
    List<Value> values) {

  /**
   * A span.
   *
   * @param part      "names", "values", "diversity", or "none" for what another span has told already
   * @param start     the first of {@code tokens}
   * @param end       the token behind the last
   * @param charStart the first character of {@code text}, counted in Unicode code points
   * @param charEnd   the character behind the last
   */
  record Place(String attribute, String part, int start, int end, int charStart, int charEnd) {}

  /** As it stands in texts; a name includes all its parts. */
  record Value(String attribute, String value) {}

  /**
   * A row of the table of truth: a span, and the value that it states or is a piece of.
   *
   * @param start the first of the item's tokens, the end of text before it being token 0
   * @param end   the token behind the last
   */
  record Truth(int source, long item, long person, String attribute, String part, String value, int start,
      int end) {}

  static List<Place> places(AnnotatedItem item, TokenBytes text) {
    int[] characters = characters(item, text);
    List<Place> places = new ArrayList<>();
    for (Span span : item.spans()) {
      places.add(new Place(span.attribute().key(), span.kind().partName(), span.start(), span.end(),
          characters[span.start()], characters[span.end()]));
    }
    return places;
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

  /** How many characters of the text come before each token, and before the end. */
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
