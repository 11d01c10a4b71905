package org.knowcap.experiments.study;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.knowcap.experiments.UserException;
import org.knowcap.generators.bior.RewrittenTexts;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;
import org.knowcap.generators.questions.MoreQuestions;
import org.knowcap.generators.questions.Timing;
import tools.jackson.databind.JsonNode;

/** Reads the corpora of a study file; {@link CorpusSpec.Kinds} reads the settings of each kind. */
final class CorpusReader {
  /** All names of the paper's pools. */
  static final long MOST_PEOPLE = 160_000_000;
  static final long MOST_EXPOSURES = 1_000_000;
  private static final String QUESTIONS = "questions";
  private static final String EXPOSURE = "exposure";
  private static final String REPLAY_TEXTS = "replay_texts";
  private static final String UNIFORM = "uniform";
  private static final String ZIPF = "zipf";
  private static final String GROUPS = "groups";
  private static final String SPACED = "spaced";
  private static final String WARM_UP_SUBSET = "warm_up_subset";
  private static final String WARM_UP = "warm_up";
  private static final String PRUNED = "pruned";
  private static final String LOSSES = "losses";
  private static final List<String> EXPOSURES = List.of(ZIPF, GROUPS, SPACED, WARM_UP_SUBSET, PRUNED);
  private static final String PER_EXPOSURE = "per_exposure";
  private static final String TUNING_EXPOSURES = "tuning_exposures";

  /**
   * How often people occur.
   *
   * @param losses the file by which people are chosen, if there is one
   */
  private record Exposed(Exposure exposure, Optional<LossFile> losses) {
    Exposed(Exposure exposure) {
      this(exposure, Optional.empty());
    }
  }

  private final Path file;
  private final Function<String, Path> paths;
  /** Lists are read and tokenised once for all corpora of a study that use them. */
  private final Map<PoolSizes, Lists> shipped = new HashMap<>();
  /** By name. */
  private final Map<String, Directory> directories = new HashMap<>();

  /**
   * Lists of a directory.
   *
   * @param pools all entries
   * @param cut to the sizes that were asked for
   */
  private record Directory(Pools pools, Templates templates, Map<PoolSizes, Lists> cut) {}

  /** @param paths where a directory of lists or a file of texts is, by its name in the study */
  CorpusReader(Path file, Function<String, Path> paths) {
    this.file = file;
    this.paths = paths;
  }

  /**
   * The settings of each corpus that a study describes. All its lists are sweeps, except sources, and attributes
   * that are names.
   */
  static List<Swept<Fields>> choices(Fields corpus) {
    return corpus.choices((mapping, key) -> key.equals("sources") || key.equals(GROUPS)
        || key.equals("attributes") && mapping.path("kind").asString("").equals(CorpusSpec.RevisedSpec.KIND));
  }

  /** Reads one corpus for each choice from the lists; {@link StudyChecks} says whether they can be made. */
  List<Swept<CorpusSpec>> corpora(Fields fields) {
    List<Swept<CorpusSpec>> corpora = choices(fields).stream()
        .map(each -> new Swept<>(corpus(each.value()), each.label()))
        .toList();
    fields.requireDistinct(corpora);
    return corpora;
  }

  private CorpusSpec corpus(Fields fields) {
    boolean asked = fields.has(QUESTIONS);
    Fields questions = fields.mapping(QUESTIONS);
    Optional<Exposed> exposure = exposure(fields);
    if (asked && exposure.isPresent()) {
      throw UserException.usage(
          file + ": 'corpus.exposure' and 'corpus.questions' do not go together; leave out one of them");
    }
    CorpusSpec corpus = read(fields, CorpusSpec.Kinds.all(), "");
    return asked
        ? questioned(corpus, fields.text("kind"), questions)
        : exposure
            .<CorpusSpec>map(each -> new CorpusSpec.ExposedSpec(
                generatedOnly(corpus, fields.text("kind"), EXPOSURE), each.exposure, each.losses))
            .orElse(corpus);
  }

  /** Absent where everybody occurs once in each round. */
  private Optional<Exposed> exposure(Fields fields) {
    if (!fields.has(EXPOSURE) || fields.isText(EXPOSURE, UNIFORM)) {
      return Optional.empty();
    }
    if (!fields.holdsMapping(EXPOSURE)) {
      throw fields.wrong(EXPOSURE, "uniform or a mapping with one of " + String.join(", ", EXPOSURES),
          fields.keys().path(EXPOSURE));
    }
    Fields exposure = fields.mapping(EXPOSURE);
    List<String> given = EXPOSURES.stream().filter(exposure::has).toList();
    if (given.size() != 1) {
      throw UserException
          .usage(file + ": '" + exposure.path() + "' must have one of " + String.join(", ", EXPOSURES)
              + ", found " + (given.isEmpty() ? "none of them" : String.join(" and ", given)));
    }
    Exposed read = exposure.checkedAll(() -> switch (given.getFirst()) {
      case ZIPF -> new Exposed(new Exposure.Zipf(exposure.number(ZIPF)));
      case GROUPS -> new Exposed(new Exposure.Groups(groups(exposure)));
      case SPACED -> new Exposed(spaced(exposure.mapping(SPACED)));
      case PRUNED -> pruned(exposure.mapping(PRUNED));
      default -> new Exposed(
          new Exposure.WarmUpSubset(exposure.number(WARM_UP_SUBSET), exposure.number(WARM_UP, 0.1)));
    });
    exposure.requireNoOthers();
    return Optional.of(read);
  }

  private List<Exposure.Group> groups(Fields exposure) {
    List<Exposure.Group> groups = new ArrayList<>();
    for (JsonNode node : exposure.keys().path(GROUPS)) {
      Fields group = fields(exposure.path() + "." + GROUPS, node);
      groups.add(new Exposure.Group(group.number("share"), group.number("times")));
      group.requireNoOthers();
    }
    return groups;
  }

  private static Exposure.Spaced spaced(Fields spaced) {
    Exposure.Spaced read = new Exposure.Spaced(spaced.number("ratio"),
        (int) spaced.integer("cohorts", 1, Exposure.MOST_COHORTS, 16), spaced.number("entering", 0.8));
    spaced.requireNoOthers();
    return read;
  }

  private Exposed pruned(Fields pruned) {
    double keep = pruned.number("keep");
    Exposure.Choice choice = pruned.choice("choose", Exposure.Choice.class, Exposure.Choice.LOWEST_LOSS);
    // A random choice may stand beside others in a list, and does not read their file.
    boolean random = choice == Exposure.Choice.RANDOM;
    String name = random ? pruned.text(LOSSES, "") : pruned.text(LOSSES);
    Optional<LossFile> losses = random
        ? Optional.empty()
        : Optional.of(pruned.checked(LOSSES, () -> LossFile.read(name, paths.apply(name))));
    pruned.requireNoOthers();
    return new Exposed(
        new Exposure.Pruned(keep, choice, losses.map(each -> each.content().lossNats()).orElse(List.of())),
        losses);
  }

  private CorpusSpec.GeneratedSpec generatedOnly(CorpusSpec corpus, String kind, String key) {
    return switch (corpus) {
      case CorpusSpec.GeneratedSpec generated -> generated;
      default -> throw UserException.usage(file + ": 'corpus." + key + "' goes with the kinds "
          + String.join(", ", CorpusSpec.Kinds.generated().sequencedKeySet()) + ", found '" + kind + "'");
    };
  }

  private CorpusSpec questioned(CorpusSpec corpus, String kind, Fields questions) {
    double share = questions.number("share");
    boolean afterwards = questions.has(TUNING_EXPOSURES);
    if (afterwards && questions.has(PER_EXPOSURE)) {
      throw UserException.usage(file + ": 'corpus.questions." + PER_EXPOSURE
          + "' mixes questions into the biographies, and 'corpus.questions." + TUNING_EXPOSURES
          + "' has them afterwards; leave out one of them");
    }
    Timing timing = afterwards
        ? new Timing.Afterwards(questions.integer(TUNING_EXPOSURES, 1, MOST_EXPOSURES))
        : questions.checked(PER_EXPOSURE, () -> new Timing.Mixed(questions.number(PER_EXPOSURE, 1)));
    MoreQuestions more = new MoreQuestions(questions.flag("two_hops", false),
        questions.flag("reversed", false));
    questions.requireNoOthers();
    return new CorpusSpec.QuestionedSpec(generatedOnly(corpus, kind, QUESTIONS), share, timing, more);
  }

  /** Reads a corpus that other corpora are made of. */
  CorpusSpec.GeneratedSpec generated(Fields fields) {
    return read(fields, CorpusSpec.Kinds.generated(), " inside another corpus");
  }

  private <S extends CorpusSpec> S read(Fields fields,
      SequencedMap<String, ? extends CorpusSpec.Kinds.Kind<? extends S>> kinds, String place) {
    String kind = fields.text("kind");
    if (!kinds.containsKey(kind)) {
      List<String> names = List.copyOf(kinds.sequencedKeySet());
      throw fields.wrongText("kind",
          String.join(", ", names.subList(0, names.size() - 1)) + " or " + names.getLast() + place, kind);
    }
    S corpus = kinds.get(kind).read(fields, this);
    fields.requireNoOthers();
    return corpus;
  }

  /** A mapping of the study file. */
  Fields fields(String path, JsonNode node) {
    return new Fields(file, path, node);
  }

  /** Reads the settings of a bioR; its texts need not exist yet. */
  RewritingSpec rewriting(Fields fields) {
    Lists lists = lists(fields.mapping("pools"));
    long seed = fields.integer("people_seed", 0, Long.MAX_VALUE, 1);
    String name = fields.text("file");
    Path texts = fields.checked("file", () -> paths.apply(name));
    RewritingSpec spec = new RewritingSpec(people(fields), seed, lists, name, texts);
    fields.checked("people", spec::who);
    return spec;
  }

  /** The texts to replay; absent if the study names none. */
  Optional<ReplayFile> replayed(Fields fields) {
    if (!fields.has(REPLAY_TEXTS)) {
      return Optional.empty();
    }
    String name = fields.text(REPLAY_TEXTS);
    return Optional.of(fields.checked(REPLAY_TEXTS, () -> ReplayFile.read(name, paths.apply(name))));
  }

  /** The texts of a bioR. */
  static RewrittenTexts texts(RewritingSpec spec) {
    try {
      return RewrittenTexts.read(spec.file(), spec.who());
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          spec.file() + " is not there; 'knowcap generate bior-prompts' and 'bior-rewrite' make it");
    } catch (IOException e) {
      throw new UncheckedIOException(spec.file() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** N. */
  static long people(Fields fields) {
    return fields.integer("people", 1, MOST_PEOPLE);
  }

  /** A number whose range a constructor checks. */
  static int number(Fields fields, String name) {
    return (int) fields.integer(name, Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  /** Pools and templates. */
  Lists lists(Fields fields) {
    return lists(fields, CorpusReader::sizes);
  }

  /** The lists of a corpus that uses only names. */
  Lists names(Fields fields) {
    return lists(fields, CorpusReader::nameSizes);
  }

  /** @param reader of sizes, given the lists' own lengths */
  private Lists lists(Fields fields, BiFunction<Fields, PoolSizes, PoolSizes> reader) {
    if (!fields.has("dir")) {
      PoolSizes sizes = reader.apply(fields, PoolSizes.PAPER);
      return Fields.checked(file, fields.path(), () -> shipped.computeIfAbsent(sizes, Lists.Shipped::new));
    }
    String name = fields.text("dir");
    Path directory = fields.checked("dir", () -> paths.apply(name));
    Directory read = fields.checked("dir", () -> directories.computeIfAbsent(name,
        _ -> new Directory(Pools.in(directory), Templates.in(directory), new HashMap<>())));
    PoolSizes sizes = reader.apply(fields, read.pools.sizes());
    return Fields.checked(file, fields.path(), () -> read.cut.computeIfAbsent(sizes,
        _ -> new Lists.InDirectory(name, directory, read.pools.cut(sizes), read.templates)));
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
