package org.knowcap.generators.bits;

import java.util.List;

/** The knowledge of a source in bits, part by part. */
public record BitContent(List<KnowledgePart> parts) {
  /** Keeps a copy of the list. */
  public BitContent {
    parts = List.copyOf(parts);
  }

  /** Bits of all parts together: the number that a model stores if it knows everything. */
  public double totalBits() {
    return parts.stream().mapToDouble(KnowledgePart::totalBits).sum();
  }

  /** log2 of the exact number of possible corpora: a little more than {@link #totalBits()}. */
  public double entropyBits() {
    return parts.stream().mapToDouble(KnowledgePart::entropyBits).sum();
  }

  /** @throws IllegalArgumentException if no part has that name */
  public KnowledgePart part(String name) {
    return parts.stream()
        .filter(part -> part.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(
            "no part \"" + name + "\" among " + parts.stream().map(KnowledgePart::name).toList()));
  }
}
