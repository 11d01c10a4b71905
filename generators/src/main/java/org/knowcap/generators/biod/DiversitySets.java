package org.knowcap.generators.biod;

import java.math.BigInteger;
import java.util.HashSet;
import java.util.Set;
import org.knowcap.generators.random.CounterRandom;
import org.knowcap.generators.random.KeyedPermutation;

/** bioD's strings: D distinct ones of all T^L for each attribute, drawn without a list of all. */
final class DiversitySets {
  private final BioDShape shape;
  /** Symbols 0..T-1; string d of attribute a begins at (a D + d) L. */
  private final char[] symbols;

  DiversitySets(CounterRandom random, BioDShape shape) {
    this(random, shape, KeyedPermutation.MAX_SIZE);
  }

  /** @param mostPermuted if there are more strings than this, they are drawn one by one */
  DiversitySets(CounterRandom random, BioDShape shape, long mostPermuted) {
    this.shape = shape;
    symbols = new char[shape.attributes() * shape.diversity() * shape.length()];
    BigInteger strings = BigInteger.valueOf(shape.alphabet()).pow(shape.length());
    if (strings.compareTo(BigInteger.valueOf(mostPermuted)) <= 0) {
      permute(new KeyedPermutation(random, strings.longValueExact()));
    } else {
      draw(random);
    }
  }

  /** Takes the first D of a permutation of all strings; a string is a number below T^L, written to base T. */
  private void permute(KeyedPermutation strings) {
    int at = 0;
    for (int attribute = 0; attribute < shape.attributes(); attribute++) {
      for (int d = 0; d < shape.diversity(); d++) {
        long string = strings.apply(attribute, d);
        for (int i = 0; i < shape.length(); i++) {
          symbols[at++] = (char) (string % shape.alphabet());
          string /= shape.alphabet();
        }
      }
    }
  }

  /** Draws strings symbol by symbol, and draws again each that occurred before. */
  private void draw(CounterRandom random) {
    int at = 0;
    for (int attribute = 0; attribute < shape.attributes(); attribute++) {
      CounterRandom own = random.child(attribute);
      long counter = 0;
      Set<String> seen = new HashSet<>();
      while (seen.size() < shape.diversity()) {
        for (int i = 0; i < shape.length(); i++) {
          symbols[at + i] = (char) own.below(shape.alphabet(), counter++);
        }
        if (seen.add(new String(symbols, at, shape.length()))) {
          at += shape.length();
        }
      }
    }
  }

  /** Copies a string to {@code target[offset]} and on, with {@code first} for symbol 0. */
  void write(int attribute, int string, int first, int[] target, int offset) {
    int length = shape.length();
    int start = (attribute * shape.diversity() + string) * length;
    for (int i = 0; i < length; i++) {
      target[offset + i] = first + symbols[start + i];
    }
  }
}
