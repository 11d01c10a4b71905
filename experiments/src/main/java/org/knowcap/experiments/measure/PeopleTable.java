package org.knowcap.experiments.measure;

import java.util.stream.IntStream;
import java.util.stream.Collectors;
import java.util.function.Function;
import com.jerolba.carpet.CarpetWriter;
import com.jerolba.carpet.ColumnNamingStrategy;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.knowcap.files.WholeFile;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;

/**
 * For each person who is measured and each value, what the model knows.
 *
 * @param rows person after person, each with the name first
 */
public record PeopleTable(List<PersonValue> rows) {
  public PeopleTable {
    rows = List.copyOf(rows);
  }

  /**
   * Takes the losses of a trained model.
   *
   * @param recall of the model about as many people
   */
  public static PeopleTable of(TrainedModel model, long most, Recall recall) {
    return of(model.corpus(), most, model::losses, recall);
  }

  /** Takes the losses of any scorer, see {@link Measurement#of(Corpus, long, Measurement.Scorer)}. */
  static PeopleTable of(Corpus corpus, long most, Measurement.Scorer scorer, Recall recall) {
    List<Map<Attribute, Double>> losses = Measurement.attributeLosses(corpus, most, scorer);
    Optional<ByPerson> others = recall.extracted().map(each -> new ByPerson(each.others()));
    Optional<ByPerson> asked = recall.extracted().map(each -> new ByPerson(each.asked()));
    List<PersonValue> rows = new ArrayList<>();
    for (int i = 0; i < losses.size(); i++) {
      long person = recall.recalled().persons().get(i);
      Map<Attribute, String> values = corpus.measured().values(person);
      int number = i;
      losses.get(i).forEach((attribute, loss) -> {
        double answered = others.map(each -> each.said(person, attribute)).orElse(Double.NaN);
        double answeredAsked = asked.map(each -> each.said(person, attribute)).orElse(Double.NaN);
        rows.add(new PersonValue(person, values.getOrDefault(Attribute.NAME, ""), attribute.key(),
            values.get(attribute), loss, said(recall.recalled(), number, attribute),
            recall.generated().map(each -> said(each, number, attribute)).orElse(Double.NaN),
            Double.isNaN(answered) ? answeredAsked : answered,
            Double.isNaN(answered) && Double.isNaN(answeredAsked)
                ? Double.NaN
                : Double.isNaN(answeredAsked) ? 0 : 1));
      });
    }
    return new PeopleTable(rows);
  }

  private static double said(Answers answers, int number, Attribute attribute) {
    int k = answers.attributes().indexOf(attribute);
    return k < 0 ? Double.NaN : answers.right()[number][k] ? 1 : 0;
  }

  /** Answers that are looked up by the person. */
  private record ByPerson(Answers answers, Map<Long, Integer> numbers) {
    ByPerson(Answers answers) {
      this(answers,
          IntStream.range(0, answers.persons().size())
              .boxed()
              .collect(Collectors.toMap(answers.persons()::get, Function.identity())));
    }

    double said(long person, Attribute attribute) {
      return numbers.containsKey(person)
          ? PeopleTable.said(answers, numbers.get(person), attribute)
          : Double.NaN;
    }
  }

  /** Writes the table as a Parquet file, one row for each value, columns in snake_case. */
  public void write(Path file) throws IOException {
    WholeFile.write(file, out -> {
      try (CarpetWriter<PersonValue> writer = new CarpetWriter.Builder<>(new Unclosed(out), PersonValue.class)
          .withConf(new PlainParquetConfiguration())
          .withColumnNamingStrategy(ColumnNamingStrategy.SNAKE_CASE)
          .withCompressionCodec(CompressionCodecName.ZSTD)
          .build()) {
        writer.write(rows);
      }
    });
  }

  /** A stream that does not close the file, because the caller does. */
  private static final class Unclosed extends FilterOutputStream {
    Unclosed(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }
}
