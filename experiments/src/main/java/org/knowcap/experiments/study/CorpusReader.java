package org.knowcap.experiments.study;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bior.RewrittenTexts;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** Reads the corpora of a study file. */
final class CorpusReader {
  /** All names of the paper's pools. */
  static final long MOST_PEOPLE = 160_000_000;
  static final long MOST_EXPOSURES = 1_000_000;
  private static final String NAMES = "names of attributes";

  private final Path file;
  private final Function<String, Path> paths;

  /** @param paths where a directory of lists or a file of texts is, by its name in the study */
  CorpusReader(Path file, Function<String, Path> paths) {
    this.file = file;
    this.paths = paths;
  }

  /** One corpus for each number of people; {@link StudyChecks} says whether it can be made. */
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
      case "bioD" -> {
        Lists lists = names(fields.mapping("pools"));
        List<Long> people = people(fields);
        int attributes = number(fields, "attributes");
        int chunks = number(fields, "chunks");
        int diversity = number(fields, "diversity");
        int length = number(fields, "length");
        int alphabet = number(fields, "alphabet");
        BioDShape shape = Fields.checked(file, fields.path(),
            () -> new BioDShape(attributes, chunks, diversity, length, alphabet));
        yield people.stream().map(n -> new CorpusSpec.BioDSpec(n, shape, lists)).toList();
      }
      case "bioR" -> rewritings(fields).stream()
          .map(each -> fields.checked("file", () -> new CorpusSpec.BioRSpec(each, texts(each))))
          .toList();
      case "mixture" -> mixtures(fields);
      case "revised" -> revisions(fields);
      default -> throw fields.wrongText("kind", "bioS, bioS-simple, bioD, bioR, mixture or revised", kind);
    });
    fields.requireNoOthers();
    return corpora;
  }

  /** What is to be written about each number of people, whether there are texts already or not. */
  List<RewritingSpec> rewritings(Fields fields) {
    Lists lists = lists(fields.mapping("pools"));
    long seed = fields.integer("people_seed", 0, Long.MAX_VALUE, 1);
    String name = fields.text("file");
    Path texts = fields.checked("file", () -> paths.apply(name));
    return people(fields).stream().map(n -> {
      RewritingSpec spec = new RewritingSpec(n, seed, lists, name, texts);
      fields.checked("people", spec::who);
      return spec;
    }).toList();
  }

  private static RewrittenTexts texts(RewritingSpec spec) {
    try {
      return RewrittenTexts.read(spec.file(), spec.who());
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          spec.file() + " is not there; 'knowcap generate bior-prompts' and 'bior-rewrite' make it");
    } catch (IOException e) {
      throw new UncheckedIOException(spec.file() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** One mixture for each way to choose one of each source's numbers of people. */
  private List<CorpusSpec.MixtureSpec> mixtures(Fields fields) {
    List<List<CorpusSpec.Ingredient>> chosen = List.of(List.of());
    for (List<CorpusSpec.Ingredient> choices : fields.list("sources",
        "a mapping with 'share' and 'corpus', or a list of them",
        node -> ingredients(new Fields(file, fields.path() + ".sources", node)))) {
      chosen = chosen.stream()
          .flatMap(before -> choices.stream()
              .map(next -> Stream.concat(before.stream(), Stream.of(next)).toList()))
          .toList();
    }
    return chosen.stream().map(CorpusSpec.MixtureSpec::new).toList();
  }

  /** A source, one for each number of people. */
  private List<CorpusSpec.Ingredient> ingredients(Fields fields) {
    double share = fields.number("share");
    String token = fields.text("token", "");
    if (!token.matches("\\S*")) {
      throw fields.wrongText("token", "text without spaces", token);
    }
    Fields corpus = fields.mapping("corpus");
    fields.requireNoOthers();
    return generated(corpus).stream().map(spec -> new CorpusSpec.Ingredient(share, token, spec)).toList();
  }

  /** Corpora that others are made of. */
  private List<CorpusSpec.GeneratedSpec> generated(Fields fields) {
    return corpora(fields).stream().map(spec -> switch (spec) {
      case CorpusSpec.GeneratedSpec source -> source;
      case CorpusSpec.BioRSpec _,CorpusSpec.MixtureSpec _,CorpusSpec.RevisedSpec _ -> throw fields
          .wrongText("kind", "bioS, bioS-simple or bioD inside another corpus", fields.text("kind"));
    }).toList();
  }

  /** One for each number of people. */
  private List<CorpusSpec.RevisedSpec> revisions(Fields fields) {
    Fields of = fields.mapping("of");
    double share = fields.number("share");
    Set<Attribute> attributes = Set.copyOf(fields.list("attributes", NAMES, node -> {
      if (!node.isString()) {
        throw fields.wrong("attributes", NAMES, node);
      }
      return new Attribute(node.asString());
    }));
    long before = fields.integer("before", 1, MOST_EXPOSURES);
    double replay = fields.number("replay", 0);
    return generated(of).stream().map(each -> {
      return new CorpusSpec.RevisedSpec(each, share, attributes, before, replay);
    }).toList();
  }

  private static List<Long> people(Fields fields) {
    return fields.integers("people", 1, MOST_PEOPLE);
  }

  /** A number whose range the constructor of the shape knows. */
  private static int number(Fields fields, String name) {
    return (int) fields.integer(name, Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  private Lists lists(Fields fields) {
    return lists(fields, CorpusReader::sizes);
  }

  /** The lists of a corpus that needs no more of them than names. */
  private Lists names(Fields fields) {
    return lists(fields, CorpusReader::nameSizes);
  }

  /** @param reader of sizes, given the lists' own lengths */
  private Lists lists(Fields fields, BiFunction<Fields, PoolSizes, PoolSizes> reader) {
    if (!fields.has("dir")) {
      PoolSizes sizes = reader.apply(fields, PoolSizes.PAPER);
      Lists lists = new Lists.Shipped(sizes);
      Fields.checked(file, fields.path(), lists::pools);
      return lists;
    }
    String name = fields.text("dir");
    Path directory = fields.checked("dir", () -> paths.apply(name));
    Pools whole = fields.checked("dir", () -> Pools.in(directory));
    Templates templates = fields.checked("dir", () -> Templates.in(directory));
    PoolSizes sizes = reader.apply(fields, whole.sizes());
    return new Lists.InDirectory(name, directory, Fields.checked(file, fields.path(), () -> whole.cut(sizes)),
        templates);
  }

  /** @param whole the lists' own lengths, which bound each size */
  private static PoolSizes sizes(Fields fields, PoolSizes whole) {
    PoolSizes sizes = new PoolSizes(size(fields, "first", whole.first()),
        size(fields, "middle", whole.middle()), size(fields, "last", whole.last()),
        size(fields, "months", whole.months()), size(fields, "days", whole.days()),
        size(fields, "years", whole.years()), size(fields, "birth_cities", whole.birthCities()),
        size(fields, "universities", whole.universities()), size(fields, "majors", whole.majors()),
        size(fields, "employers", whole.employers()));
    fields.requireNoOthers();
    return sizes;
  }

  private static PoolSizes nameSizes(Fields fields, PoolSizes whole) {
    PoolSizes sizes = new PoolSizes(size(fields, "first", whole.first()),
        size(fields, "middle", whole.middle()), size(fields, "last", whole.last()), whole.months(),
        whole.days(), whole.years(), whole.birthCities(), whole.universities(), whole.majors(),
        whole.employers());
    fields.requireNoOthers();
    return sizes;
  }

  private static int size(Fields fields, String name, int absent) {
    return (int) fields.integer(name, Integer.MIN_VALUE, Integer.MAX_VALUE, absent);
  }
}
