package org.knowcap.experiments.calibrate;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.units.Units;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;

/**
 * Checks, in every kind of corpus, that a scorer that guesses stores 0 bits, that a scorer that knows everything
 * stores all bits, and that spans hold the true values and nothing else.
 */
record BoundsCheck(List<Specimen> specimens, Measurer measurer) implements Check {
  /** Losses are sums of floats. */
  private static final double ROUNDING = 1e-4;

  @Override
  public String name() {
    return "bounds";
  }

  @Override
  public String about() {
    return "a scorer that guesses stores 0 bits (of bioD what its strings are worth), one that knows everything stores all bits, and spans hold what is true and nothing else";
  }

  @Override
  public List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    for (Specimen specimen : specimens) {
      Possibilities possibilities = specimen.possibilities();
      Capacity guess = capacity(specimen, (_, _, attribute) -> possibilities.nats(attribute));
      findings.add(finding(specimen.kind() + ", guesses", guess.storedBits(),
          specimen.guessedBits(possibilities), guess.totalBits()));
      // Nothing tells who comes next: whatever a text begins with costs ln N, be it a name or half of a random string.
      double first = Math.log(specimen.corpus().measured().people());
      Capacity perfect = capacity(specimen, (source, person,
          attribute) -> attribute.equals(source.values(person).keySet().iterator().next()) ? first : 0);
      findings.add(finding(specimen.kind() + ", knows all", perfect.storedBits(), perfect.totalBits(),
          perfect.totalBits()));
      findings.add(spans(specimen));
    }
    return findings;
  }

  private Capacity capacity(Specimen specimen, ByHand.Losses losses) {
    WatchedCorpus corpus = new WatchedCorpus(specimen.corpus());
    return measurer.measure(corpus, Long.MAX_VALUE, new ByHand(corpus, losses)).capacity(1);
  }

  private Finding finding(String what, double found, double expected, double total) {
    return Finding.of(name(), what, Units.bits(found) + " of " + Units.bits(total), Units.bits(expected),
        Math.abs(found - expected) <= ROUNDING * total);
  }

  private Finding spans(Specimen specimen) {
    Source source = specimen.corpus().measured();
    long wrong = 0;
    for (long person = 0; person < source.people(); person++) {
      if (!holdsTheTruth(source, person)) {
        wrong++;
      }
    }
    return Finding.of(name(), specimen.kind() + ", spans",
        wrong == 0 ? "all hold what is true" : wrong + " of " + source.people() + " texts have others",
        "the truth", wrong == 0);
  }

  private static boolean holdsTheTruth(Source source, long person) {
    AnnotatedItem item = source.measuringItem(person, person);
    Map<Attribute, String> read = new HashMap<>();
    Map<Attribute, Integer> last = new HashMap<>();
    for (Span span : item.spans()) {
      if (span.kind() != KnowledgeKind.FIRST_CHUNK) {
        read.merge(span.attribute(), source.vocabulary().decode(item.tokens(), span.start(), span.end()),
            String::concat);
        last.put(span.attribute(), source.vocabulary().bytes(item.tokens()[span.end() - 1]).length);
      }
    }
    return source.values(person).entrySet().stream().allMatch(value -> {
      // A birth date's comma states nothing.
      String expected = " "
          + value.getValue().replace(value.getKey().equals(Attribute.BIRTH_DATE) ? "," : "\0", "");
      String found = read.getOrDefault(value.getKey(), "");
      // The token that ends a value may begin what follows, but no token after it may be in the span.
      return found.startsWith(expected)
          && bytes(found) - bytes(expected) < last.getOrDefault(value.getKey(), 0);
    });
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
