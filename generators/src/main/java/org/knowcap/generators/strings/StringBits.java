package org.knowcap.generators.strings;

import java.util.List;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.bits.KnowledgePart;
import org.knowcap.generators.bits.Logarithms;

/** Counts the bits of random strings. */
public final class StringBits {
  private StringBits() {}

  /**
   * There is one part, "values", of M strings with H = S log2 V bits each; drawn one after the other, they have exactly M H bits.
   * A model cannot know which of the strings comes next, so that even a perfect one loses log2 M bits at each: at most
   * H - log2 M bits of a string can be stored.
   *
   * @param strings M
   * @throws IllegalArgumentException unless M is 1 or more, and fewer than V^S
   */
  public static BitContent of(long strings, StringShape shape) {
    shape.check(strings);
    double bits = shape.bits();
    // Never below 0: rounding could make it negative where M is close to V^S.
    return new BitContent(List.of(new KnowledgePart(KnowledgeKind.VALUE, 1, strings, bits,
        Math.max(0, bits - Logarithms.log2(strings)), strings * bits)));
  }
}
