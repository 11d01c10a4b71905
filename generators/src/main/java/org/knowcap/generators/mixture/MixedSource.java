package org.knowcap.generators.mixture;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.knowcap.files.Sha256;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.ForwardingSource;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.generators.tokens.Vocabulary;

/** A source of a mixture: its texts in the mixture's vocabulary, each behind its domain token if it has one. */
final class MixedSource extends ForwardingSource {
  private final Vocabulary vocabulary;
  private final String token;
  /** The end-of-text token, and the domain token if there is one. */
  private final int[] head;
  /** The mixture's number of each token of the source; empty if the numbers are equal. */
  private final int[] renumbered;

  MixedSource(Source source, Vocabulary vocabulary, String token) {
    super(source);
    this.vocabulary = vocabulary;
    this.token = token;
    head = token.isEmpty()
        ? new int[]{vocabulary.eos()}
        : new int[]{vocabulary.eos(), vocabulary.token(token)};
    int[] all = renumbered(source.vocabulary(), vocabulary);
    boolean same = IntStream.range(0, all.length).allMatch(i -> all[i] == i);
    renumbered = same ? new int[0] : all;
  }

  private static int[] renumbered(Vocabulary from, Vocabulary to) {
    return IntStream
        .concat(IntStream.of(from.gpt2Ids()).map(to::token), from.dedicated().stream().mapToInt(to::token))
        .toArray();
  }

  @Override
  public String name() {
    return token.isEmpty() ? source.name() : token + " " + source.name();
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public double meanItemTokens() {
    return source.meanItemTokens() + head.length - 1;
  }

  @Override
  public ItemLayout layout() {
    return source.layout().shifted(head.length - 1);
  }

  @Override
  public int longestItem() {
    return source.longestItem() + head.length - 1;
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>(source.parameters());
    parameters.put("domain_token", token);
    return parameters;
  }

  @Override
  public String digest() {
    return Sha256.of(source.digest() + "\n" + token + "\n"
        + IntStream.of(vocabulary.gpt2Ids()).boxed().toList() + "\n" + vocabulary.dedicated());
  }

  @Override
  public int write(long sequenceNumber, long person, int[] target, int offset) {
    int length = source.write(sequenceNumber, person, target, offset + head.length - 1) + head.length - 1;
    adapt(target, offset, length);
    return length;
  }

  @Override
  public AnnotatedItem annotated(long sequenceNumber) {
    return adapted(source.annotated(sequenceNumber));
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return adapted(source.measuringItem(person, draw));
  }

  /** @param text with or without the domain token */
  @Override
  public Set<Attribute> stated(long person, String text) {
    return source.stated(person, text.startsWith(token) ? text.substring(token.length()) : text);
  }

  private AnnotatedItem adapted(AnnotatedItem item) {
    int shift = head.length - 1;
    int[] tokens = new int[item.tokens().length + shift];
    System.arraycopy(item.tokens(), 0, tokens, shift, item.tokens().length);
    adapt(tokens, 0, tokens.length);
    List<Span> spans = item.spans()
        .stream()
        .map(span -> new Span(span.kind(), span.attribute(), span.start() + shift, span.end() + shift))
        .toList();
    return new AnnotatedItem(tokens, spans);
  }

  /** Writes the head in front of the text, and renumbers the text's tokens. */
  private void adapt(int[] tokens, int offset, int length) {
    System.arraycopy(head, 0, tokens, offset, head.length);
    if (renumbered.length > 0) {
      for (int i = offset + head.length; i < offset + length; i++) {
        tokens[i] = renumbered[tokens[i]];
      }
    }
  }
}
