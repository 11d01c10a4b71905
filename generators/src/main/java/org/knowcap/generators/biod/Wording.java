package org.knowcap.generators.biod;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.knowcap.generators.corpus.ItemLayout;
import org.knowcap.generators.people.Names;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.tokens.Pieces;

/** The words of bioD's texts, tokenised: they depend on the shape and the lists of names, not on the people. */
final class Wording {
  final Names names;
  final Pieces pieces;
  final Pieces.Range possessive;
  final Pieces.Range pronoun;
  /** " ID 1 is" and so on. */
  final Pieces.Range labels;
  final Pieces.Range period;
  final Pieces.Seams possessives;
  /** All texts that are tokenised. */
  final List<String> texts;
  private final BioDShape shape;
  private Optional<ItemLayout> layout = Optional.empty();

  Wording(BioDShape shape, Pools pools) {
    this.shape = shape;
    Pieces.Builder builder = new Pieces.Builder();
    names = new Names(pools, builder);
    possessive = builder.add(List.of("'s"));
    possessives = builder.seams(names.lastNames(), possessive);
    pronoun = builder.add(List.of(" Their"));
    labels = builder.add(
        IntStream.rangeClosed(1, shape.attributes()).mapToObj(number -> " ID " + number + " is").toList());
    period = builder.add(List.of("."));
    pieces = builder.build(IntStream.range(0, shape.alphabet()).mapToObj(Wording::symbol).toList());
    texts = builder.texts();
  }

  /** A symbol as decoded texts show it. */
  private static String symbol(int number) {
    return " #" + number;
  }

  /** How long items are and where they have values. It takes milliseconds, and a study asks for it at each of its runs. */
  synchronized ItemLayout layout() {
    layout = Optional.of(layout.orElseGet(this::computeLayout));
    return layout.get();
  }

  /** All labels have equally many tokens, so their order plays no role. */
  private ItemLayout computeLayout() {
    double[] last = new double[0];
    for (int name = 0; name < names.lastNames().size(); name++) {
      double[] one = new double[pieces.length(possessives, name, 0) + 1];
      one[one.length - 1] = 1;
      last = ItemLayout.plus(last, 1.0 / names.lastNames().size(), one);
    }
    double[] before = ItemLayout.shift(ItemLayout.convolve(names.givenLengths(pieces), last), 1);
    double[] value = new double[shape.chunks() * shape.length()];
    Arrays.fill(value, 1);
    double[] values = new double[0];
    for (int place = 0; place < shape.attributes(); place++) {
      before = place == 0 ? before : ItemLayout.convolve(before, pieces.lengths(pronoun));
      before = ItemLayout.convolve(before, pieces.lengths(labels));
      values = ItemLayout.plus(values, 1, ItemLayout.convolve(before, value));
      before = ItemLayout.convolve(ItemLayout.shift(before, value.length), pieces.lengths(period));
    }
    return new ItemLayout(before, Map.of(1, values), (double) shape.attributes() * value.length);
  }
}
