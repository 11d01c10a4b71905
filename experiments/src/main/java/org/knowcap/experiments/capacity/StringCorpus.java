package org.knowcap.experiments.capacity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.generators.bits.Logarithms;
import org.knowcap.generators.strings.StringShape;
import org.knowcap.models.architecture.ModelSpec;

/**
 * A family of corpora of random strings. Its vocabulary is as large as that of the model's {@link DenseCorpus}, so that both
 * measure one model with one P.
 *
 * @param shape S and V
 * @param people numbers of strings in question, ascending: M
 */
public record StringCorpus(StringShape shape, List<Long> people) implements SizedCorpus {
  /** As many symbols as the values of a text of {@link DenseCorpus} have. */
  private static final int LENGTH = 32;

  /** The corpora for a model whose dense corpus is known. */
  static StringCorpus beside(DenseCorpus dense, ModelSpec model) {
    int vocabulary = dense.vocabulary();
    StringShape shape = new StringShape(LENGTH, vocabulary - 1);
    long parameters = model.parameters(vocabulary).total();
    List<Long> people = new ArrayList<>();
    for (int size = 0; size < SIZES; size++) {
      double bits = SizedCorpus.ratio(size) * parameters;
      // Of a string, H - log2 M bits can be stored: three rounds settle M.
      double strings = bits / shape.bits();
      for (int round = 0; round < 3; round++) {
        strings = bits / (shape.bits() - Math.max(0, Logarithms.log2(strings)));
      }
      people.add(Math.max(2 + size, Math.round(strings)));
    }
    return new StringCorpus(shape, List.copyOf(people));
  }

  @Override
  public String sizeKey() {
    return "strings";
  }

  @Override
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("kind", "strings");
    settings.put("length", shape.length());
    settings.put("alphabet", shape.alphabet());
    return settings;
  }

  @Override
  public Letters letters() {
    return new Letters("M", "alpha");
  }

  @Override
  public double measured(RunResult run) {
    return run.memorisation().memorisedRatio().orElseThrow();
  }
}
