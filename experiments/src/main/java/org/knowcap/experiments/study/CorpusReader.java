package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** Reads the corpora of a study file. */
final class CorpusReader {
  /** All names of the paper's pools. */
  static final long MOST_PEOPLE = 160_000_000;

  private final Path file;
  private final Function<String, Path> directories;

  /** @param directories where a directory of lists is, by its name in the file */
  CorpusReader(Path file, Function<String, Path> directories) {
    this.file = file;
    this.directories = directories;
  }

  /** One corpus for each number of people; all of them can be made. */
  List<CorpusSpec> corpora(Fields fields) {
    String kind = fields.text("kind");
    List<CorpusSpec> corpora = List.copyOf(switch (kind) {
      case "bioS" -> {
        Lists lists = lists(fields.mapping("pools"));
        yield people(fields).stream().map(n -> new CorpusSpec.BioSSpec(n, lists)).toList();
      }
      case "bioS-simple" -> {
        Lists lists = lists(fields.mapping("pools"));
        yield people(fields).stream().map(n -> new CorpusSpec.BioSSimpleSpec(n, lists)).toList();
      }
      default -> throw fields.wrongText("kind", "bioS or bioS-simple", kind);
    });
    fields.requireNoOthers();
    corpora.forEach(corpus -> fields.checked("people", () -> corpus.corpus(0)));
    return corpora;
  }

  private static List<Long> people(Fields fields) {
    return fields.integers("people", 1, MOST_PEOPLE);
  }

  private Lists lists(Fields fields) {
    if (!fields.has("dir")) {
      PoolSizes sizes = sizes(fields, PoolSizes.PAPER);
      Lists lists = new Lists.Shipped(sizes);
      Fields.checked(file, fields.path(), lists::pools);
      return lists;
    }
    String name = fields.text("dir");
    Path directory = fields.checked("dir", () -> directories.apply(name));
    Pools whole = fields.checked("dir", () -> Pools.in(directory));
    Templates templates = fields.checked("dir", () -> Templates.in(directory));
    PoolSizes sizes = sizes(fields, whole.sizes());
    return new Lists.InDirectory(name, directory, Fields.checked(file, fields.path(), () -> whole.cut(sizes)),
        templates);
  }

  /** @param whole the lists' own lengths, which bound each size */
  private static PoolSizes sizes(Fields fields, PoolSizes whole) {
    PoolSizes sizes = new PoolSizes(size(fields, "first", whole.first()),
        size(fields, "middle", whole.middle()),
        size(fields, "last", whole.last()), size(fields, "months", whole.months()),
        size(fields, "days", whole.days()), size(fields, "years", whole.years()),
        size(fields, "birth_cities", whole.birthCities()), size(fields, "universities", whole.universities()),
        size(fields, "majors", whole.majors()), size(fields, "employers", whole.employers()));
    fields.requireNoOthers();
    return sizes;
  }

  private static int size(Fields fields, String name, int absent) {
    return (int) fields.integer(name, Integer.MIN_VALUE, Integer.MAX_VALUE, absent);
  }
}
