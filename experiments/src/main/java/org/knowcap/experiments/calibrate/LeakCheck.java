package org.knowcap.experiments.calibrate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.math3.distribution.PoissonDistribution;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;

/**
 * An attack without a model: it checks whether anything before a value in a measured text tells which value comes.
 * It tries the content of earlier spans, the words of the name, the words between the last span and the value, the
 * form of the first sentence, the attribute before, the order of attributes so far, and the value of the people next
 * to this one, in number and in the training stream. For each, it learns from half of the people which value is the
 * most frequent one, and counts how often that is right for the other half.
 */
record LeakCheck(List<Specimen> specimens) implements Check {
  /** Probability that a corpus without a leak shows a finding, all comparisons of the corpus together. */
  private static final double CHANCE = 1e-4;

  /** A value, and everything that stood before it, by kind. */
  private record Case(String target, String value, Map<String, String> clues) {}

  @Override
  public String name() {
    return "leak";
  }

  @Override
  public String about() {
    return "nothing in a text before a value tells the value to one who knows nobody";
  }

  @Override
  public List<Finding> findings() {
    return specimens.stream().map(this::finding).toList();
  }

  /** How often a clue told the right value of a target. */
  private record Guess(String target, String clue, long right, double expected, long tries) {
    /** Probability of as many right guesses by chance. */
    double probability() {
      return right == 0
          ? 1
          : 1 - new PoissonDistribution(Math.max(expected, 1e-9)).cumulativeProbability((int) right - 1);
    }
  }

  private Finding finding(Specimen specimen) {
    Source source = specimen.corpus().measured();
    Map<String, List<Case>> cases = new LinkedHashMap<>();
    Neighbours neighbours = Neighbours.of(source);
    for (long person = 0; person < source.people(); person++) {
      for (Case each : cases(source, person, neighbours.of(person))) {
        cases.computeIfAbsent(each.target, _ -> new ArrayList<>()).add(each);
      }
    }
    List<Guess> guesses = new ArrayList<>();
    cases.forEach((target, all) -> all.stream()
        .flatMap(each -> each.clues.keySet().stream())
        .distinct()
        .forEach(clue -> guesses.add(guess(target, clue, all))));
    Guess best = guesses.stream()
        .min((a, b) -> Double.compare(a.probability(), b.probability()))
        .orElseThrow();
    boolean found = best.probability() * guesses.size() < CHANCE;
    return Finding.of(name(), specimen.kind(),
        guesses.size() + " attacks, the best: " + best.target + " by " + best.clue + ", " + best.right
            + " of " + best.tries + " right where chance gives " + Math.round(best.expected),
        "no more than chance", !found);
  }

  /** The attack of one clue on one target: learnt from every other case, tried on the rest. */
  private static Guess guess(String target, String clue, List<Case> cases) {
    Map<String, Map<String, Integer>> counts = new HashMap<>();
    Map<String, Integer> values = new HashMap<>();
    int tried = 0;
    for (int i = 0; i < cases.size(); i++) {
      Case each = cases.get(i);
      if (i % 2 == 0) {
        String seen = each.clues.getOrDefault(clue, "");
        counts.computeIfAbsent(seen, _ -> new TreeMap<>()).merge(each.value, 1, Integer::sum);
      } else {
        values.merge(each.value, 1, Integer::sum);
        tried++;
      }
    }
    long right = 0;
    double expected = 0;
    for (int i = 1; i < cases.size(); i += 2) {
      Map<String, Integer> known = counts.getOrDefault(cases.get(i).clues.getOrDefault(clue, ""), Map.of());
      String guess = known.entrySet()
          .stream()
          .max(Map.Entry.comparingByValue())
          .map(Map.Entry::getKey)
          .orElse("");
      right += guess.equals(cases.get(i).value) ? 1 : 0;
      expected += values.getOrDefault(guess, 0) / (double) tried;
    }
    return new Guess(target, clue, right, expected, tried);
  }

  private static List<Case> cases(Source source, long person,
      Map<String, Map<Attribute, String>> neighbours) {
    AnnotatedItem item = source.measuringItem(person, person);
    List<Case> cases = new ArrayList<>();
    Map<String, String> before = new LinkedHashMap<>();
    StringBuilder order = new StringBuilder();
    Map<Attribute, Integer> parts = new HashMap<>();
    String last = "";
    int end = 1;
    for (Span span : item.spans()) {
      if (span.kind() == KnowledgeKind.FIRST_CHUNK) {
        continue;
      }
      String text = source.vocabulary().decode(item.tokens(), span.start(), span.end()).strip();
      String words = source.vocabulary().decode(item.tokens(), Math.min(end, span.start()), span.start());
      if (span.kind() == KnowledgeKind.NAME) {
        String[] names = text.split(" ");
        for (int i = 0; i < names.length; i++) {
          before.put("word " + (i + 1) + " of the name", names[i]);
        }
      } else {
        int part = parts.merge(span.attribute(), 1, Integer::sum);
        String target = span.attribute() + (part > 1 ? ", part " + part : "");
        if (order.isEmpty()) {
          before.put("form of the first sentence", words);
        }
        if (span.kind() == KnowledgeKind.VALUE) {
          Map<String, String> clues = new LinkedHashMap<>(before);
          clues.put("the words before it", words);
          clues.put("the attribute before it", last);
          clues.put("the order of attributes", order.toString());
          neighbours.forEach((who, values) -> {
            if (values.containsKey(span.attribute())) {
              clues.put(who, values.get(span.attribute()));
            }
          });
          cases.add(new Case(target, text, clues));
        }
        // An employer's city that counts with the employer is paid for, and what it tells of the employer is known.
        boolean paid = span.kind() == KnowledgeKind.VALUE && span.attribute().equals(Attribute.EMPLOYER_CITY);
        if (!paid) {
          before.put(target, text);
        }
        order.append(span.attribute()).append(' ');
        last = span.attribute().key();
      }
      end = span.end();
    }
    return cases;
  }

  /** The values of the people next to a person. */
  private record Neighbours(Source source, long[] places) {
    static Neighbours of(Source source) {
      long[] places = new long[(int) source.people()];
      for (int place = 0; place < places.length; place++) {
        places[(int) source.person(place)] = place;
      }
      return new Neighbours(source, places);
    }

    Map<String, Map<Attribute, String>> of(long person) {
      int people = places.length;
      return Map.of("the person numbered before", source.values((person + people - 1) % people),
          "the person before in the stream",
          source.values(source.person((places[(int) person] + people - 1) % people)));
    }
  }
}
