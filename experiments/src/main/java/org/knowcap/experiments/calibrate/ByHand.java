package org.knowcap.experiments.calibrate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.experiments.measure.Measurement;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;

/**
 * A stand-in for a model: the loss of each name and each value is given, spread over the tokens that state it; every
 * other token has an absurd loss, which must not count.
 */
record ByHand(WatchedCorpus corpus, Losses losses) implements Measurement.Scorer {
  private static final float ABSURD = 50;

  /** The losses of a stand-in for a model. */
  interface Losses {
    /**
     * @param source of the person
     * @param attribute the name, or one of the K attributes; an employer's city that counts is a part of the employer
     * @return nats
     */
    double of(Source source, long person, Attribute attribute);
  }

  @Override
  public void losses(int[] tokens, int[] targets, float[] out) {
    Arrays.fill(out, ABSURD);
    int length = corpus.longestItem() - 1;
    for (int from = 0; from < targets.length; from += length) {
      int start = from;
      corpus.text(targets, from, length)
          .ifPresent(text -> counted(text.item()).forEach((attribute, places) -> {
            float share = (float) (losses.of(text.source(), text.person(), attribute) / places.size());
            places.forEach(place -> out[start + place - 1] = share);
          }));
    }
  }

  /** The positions of each attribute's tokens in the item, for attributes that count. */
  private static Map<Attribute, List<Integer>> counted(AnnotatedItem item) {
    Map<Attribute, List<Integer>> places = new LinkedHashMap<>();
    for (Span span : item.spans()) {
      if (span.kind() == KnowledgeKind.NAME || span.kind() == KnowledgeKind.VALUE) {
        Attribute attribute = span.attribute().equals(Attribute.EMPLOYER_CITY)
            ? Attribute.EMPLOYER
            : span.attribute();
        for (int place = span.start(); place < span.end(); place++) {
          places.computeIfAbsent(attribute, _ -> new ArrayList<>()).add(place);
        }
      }
    }
    return places;
  }
}
