package org.knowcap.experiments.calibrate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;

/**
 * The number of possible names and values, counted from those that people have. The words of a name, the parts of a
 * date and the chunks of a string are independent, so the product of their numbers counts all possibilities. The
 * count uses no list and no formula of the corpus.
 */
final class Possibilities {
  private final Map<Attribute, List<Set<String>>> seen = new HashMap<>();

  /**
   * @param everybody enough people to have every possible word
   * @param symbols of a chunk of bioD's values; values of other corpora have no chunks
   */
  Possibilities(Source everybody, int symbols) {
    for (long person = 0; person < everybody.people(); person++) {
      everybody.values(person).forEach((attribute, value) -> {
        List<String> parts = parts(attribute, value, symbols);
        List<Set<String>> sets = seen.computeIfAbsent(attribute, _ -> new ArrayList<>());
        while (sets.size() < parts.size()) {
          sets.add(new HashSet<>());
        }
        for (int i = 0; i < parts.size(); i++) {
          sets.get(i).add(parts.get(i));
        }
      });
    }
  }

  private static List<String> parts(Attribute attribute, String value, int symbols) {
    if (attribute.equals(Attribute.NAME)) {
      return List.of(value.split(" "));
    }
    if (attribute.equals(Attribute.BIRTH_DATE)) {
      return List.of(value.split(",? "));
    }
    if (!value.startsWith("#")) {
      return List.of(value);
    }
    String[] each = value.split(" ");
    List<String> chunks = new ArrayList<>();
    for (int i = 0; i < each.length; i += symbols) {
      chunks.add(String.join(" ", List.of(each).subList(i, i + symbols)));
    }
    return chunks;
  }

  /** The loss of a uniform guess, nats. */
  double nats(Attribute attribute) {
    return seen.get(attribute).stream().mapToDouble(set -> Math.log(set.size())).sum();
  }

  /**
   * Bits of bioD's diversity that a uniform guess among the strings stores; 0 for other corpora. To know the set of
   * D of the T^L strings is worth D log2(T^L / D) for each attribute, and the guess loses log2 D at each of them.
   *
   * @param alphabet T; the strings that occur need not contain every symbol
   */
  double guessedDiversity(int alphabet) {
    return seen.keySet().stream().filter(attribute -> strings(attribute) > 0).mapToDouble(attribute -> {
      Set<String> first = seen.get(attribute).getFirst();
      int length = first.iterator().next().split(" ").length;
      return first.size() * (length * Math.log(alphabet) - 2 * Math.log(first.size())) / Math.log(2);
    }).sum();
  }

  /** Number of strings for the chunks of an attribute of bioD; 0 for other attributes. */
  int strings(Attribute attribute) {
    Set<String> first = seen.get(attribute).getFirst();
    return first.stream().allMatch(each -> each.startsWith("#")) ? first.size() : 0;
  }
}
