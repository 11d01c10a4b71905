package org.knowcap.generators.bits;
import java.util.List;

/** What there is to know in a corpus, in bits, part by part. */
public record BitContent(List<KnowledgePart> parts) {
  /** Keeps a copy of the list. */
  public BitContent {
    parts = List.copyOf(parts);
  }

  /** Bits of all parts: a model that knows everything stores as many. */
  public double totalBits() {
    return parts.stream().mapToDouble(KnowledgePart::totalBits).sum();
  }

  /** The logarithm of the number of possible corpora, exactly: a little more than {@link #totalBits()}. */
  public double entropyBits() {
    return parts.stream().mapToDouble(KnowledgePart::entropyBits).sum();
  }

  /** @throws IllegalArgumentException if there is no part of that name */
  public KnowledgePart part(String name) {
    return parts.stream()
        .filter(part -> part.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(
            "no part \"" + name + "\" among " + parts.stream().map(KnowledgePart::name).toList()));
  }
}
