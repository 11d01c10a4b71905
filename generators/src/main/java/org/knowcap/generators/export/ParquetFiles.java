package org.knowcap.generators.export;

import com.jerolba.carpet.CarpetWriter;
import com.jerolba.carpet.ColumnNamingStrategy;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.List;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.export.Biography.Value;
import org.knowcap.generators.export.PlannedFile.Content;
import org.knowcap.generators.export.Sequences.Items;
import org.knowcap.generators.tokens.Vocabulary;

/** Parquet files; their rows are the records of {@link Biography}. */
final class ParquetFiles {
  /** Each thread keeps one row group of this size in memory. */
  private static final long ROW_GROUP_BYTES = 32 << 20;

  private final TokenBytes text;

  ParquetFiles(Vocabulary vocabulary) {
    text = TokenBytes.text(vocabulary);
  }

  /** One {@link Biography} a row. */
  Content biographies(Items items) {
    return out -> {
      OrderedFooter file = new OrderedFooter(out);
      long all = 0;
      try (CarpetWriter<Biography> rows = writer(file, Biography.class)) {
        for (long item = items.first(); item < items.first() + items.count(); item++) {
          Biography row = biography(items.number(), items.source(), item);
          rows.write(row);
          all += row.tokens().size();
        }
      }
      file.end();
      return all;
    };
  }

  /** One {@link Biography.Truth} a row. */
  Content truth(Items items) {
    return out -> {
      OrderedFooter file = new OrderedFooter(out);
      long all = 0;
      try (CarpetWriter<Biography.Truth> rows = writer(file, Biography.Truth.class)) {
        for (long item = items.first(); item < items.first() + items.count(); item++) {
          List<Biography.Truth> truth = Biography.truth(items.number(), items.source(), item);
          rows.write(truth);
          all += truth.size();
        }
      }
      file.end();
      return all;
    };
  }

  private Biography biography(int number, Source source, long item) {
    AnnotatedItem annotated = source.annotated(item);
    int[] tokens = annotated.tokens();
    long person = source.person(item);
    return new Biography(number, item, person, source.vocabulary().decode(tokens, 1, tokens.length),
        Arrays.stream(tokens).boxed().toList(), Biography.textSpans(annotated, text),
        source.values(person)
            .entrySet()
            .stream()
            .map(value -> new Value(value.getKey().key(), value.getValue()))
            .toList());
  }

  private static <T> CarpetWriter<T> writer(OutputStream out, Class<T> row) throws IOException {
    return new CarpetWriter.Builder<>(out, row).withConf(new PlainParquetConfiguration())
        .withColumnNamingStrategy(ColumnNamingStrategy.SNAKE_CASE)
        .withCompressionCodec(CompressionCodecName.ZSTD)
        .withRowGroupSize(ROW_GROUP_BYTES)
        .build();
  }
}
