package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;
import org.knowcap.analysis.units.Units;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bior.BioR;
import org.knowcap.generators.bior.RewrittenTexts;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.Replay;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.questions.MoreQuestions;
import org.knowcap.generators.questions.QuestionedCorpus;
import org.knowcap.generators.questions.Timing;
import org.knowcap.generators.strings.RandomStrings;
import org.knowcap.generators.strings.StringShape;

/**
 * The settings of a corpus in a study; together with the seeds they determine the corpus. Each kind of corpus has a
 * record here, which also reads the kind's settings, and a row in {@link Kinds}.
 */
public sealed interface CorpusSpec {
  /** The kinds of corpora, by the names that studies give them. */
  final class Kinds {
    /** Kinds of generated texts, which can be parts of other corpora. */
    static SequencedMap<String, Kind<GeneratedSpec>> generated() {
      SequencedMap<String, Kind<GeneratedSpec>> kinds = new LinkedHashMap<>();
      kinds.put("bioS", BioSSpec::read);
      kinds.put("bioS-simple", BioSSimpleSpec::read);
      kinds.put("bioD", BioDSpec::read);
      return kinds;
    }

    /** All kinds. */
    static SequencedMap<String, Kind<? extends CorpusSpec>> all() {
      SequencedMap<String, Kind<? extends CorpusSpec>> kinds = new LinkedHashMap<>(generated());
      kinds.put("bioR", BioRSpec::read);
      kinds.put(StringsSpec.KIND, StringsSpec::read);
      kinds.put("mixture", MixtureSpec::read);
      kinds.put(RevisedSpec.KIND, RevisedSpec::read);
      return kinds;
    }

    private Kinds() {}

    /** How the settings of a kind are read. */
    interface Kind<S extends CorpusSpec> {
      /** Reads a corpus; the mapping has no lists that are sweeps. */
      S read(Fields fields, CorpusReader reader);
    }
  }

  /** N; of a mixture, the people of its first source; of random strings, their number M. */
  long people();

  /**
   * Makes the corpus for two seeds. With equal seeds and lists, a smaller corpus has the first people of a larger one.
   *
   * @param seed of the people, what is true of them, and their texts for measuring
   * @param order seed of the order of the people in training, and of their texts there
   */
  Corpus corpus(long seed, long order);

  /**
   * Bits that each measured name costs beyond what there is to know of it: a measured text stands behind nothing but an end of
   * text (and its source's domain token), so that the model must guess which source the text is from. For a model that knows the
   * sources' shares of the windows this costs log2(1 / share).
   */
  default double sourceBits() {
    return 0;
  }

  /** The beginning of the names of runs, such as "bioS-200". */
  String name();

  /** The settings of the corpus in {@code run.json}; runs of equal settings are one run. */
  Map<String, Object> settings();

  /** Pools and templates of all its sources; random strings have none. */
  List<Lists> lists();

  /** The files that the corpus was read from, by their names in the study. */
  default Map<String, Path> files() {
    return Map.of();
  }

  /** Remarks for people, shown before a run. */
  default List<String> notices() {
    return List.of();
  }

  /** A corpus of one source of texts. */
  sealed interface SourceSpec extends CorpusSpec {
    @Override
    Source corpus(long seed, long order);
  }

  /** A corpus of one source of generated texts, which may be part of a mixture. */
  sealed interface GeneratedSpec extends SourceSpec {
    /** The source of the individuals from number {@code first} on, of all that the seed and the lists determine. */
    GeneratedSource<?> source(long seed, long first);

    @Override
    default Source corpus(long seed, long order) {
      return source(seed, 0).ordered(order);
    }
  }

  /** Biographies that are redrawn at every exposure. */
  record BioSSpec(long people, Lists from) implements GeneratedSpec {
    static BioSSpec read(Fields fields, CorpusReader reader) {
      Lists lists = reader.lists(fields.mapping("pools"));
      return new BioSSpec(CorpusReader.people(fields), lists);
    }

    @Override
    public BioS source(long seed, long first) {
      return from.bioS().of(people, seed).from(first);
    }

    @Override
    public String name() {
      return "bioS-" + people;
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("kind", "bioS");
      settings.put("people", people);
      settings.put("pools", from.settings("bioS", () -> from.bioS().digest()));
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return List.of(from);
    }
  }

  /** One biography for each person, repeated at every exposure. */
  record BioSSimpleSpec(long people, Lists from) implements GeneratedSpec {
    static BioSSimpleSpec read(Fields fields, CorpusReader reader) {
      Lists lists = reader.lists(fields.mapping("pools"));
      return new BioSSimpleSpec(CorpusReader.people(fields), lists);
    }

    @Override
    public BioS source(long seed, long first) {
      return new BioSSpec(people, from).source(seed, first).simple();
    }

    @Override
    public String name() {
      return "bioS-simple-" + people;
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new BioSSpec(people, from).settings();
      settings.put("kind", "bioS-simple");
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return List.of(from);
    }
  }

  /** People whose values are strings of symbols. */
  record BioDSpec(long people, BioDShape shape, Lists from) implements GeneratedSpec {
    static BioDSpec read(Fields fields, CorpusReader reader) {
      Lists lists = reader.names(fields.mapping("pools"));
      long people = CorpusReader.people(fields);
      int attributes = CorpusReader.number(fields, "attributes");
      int chunks = CorpusReader.number(fields, "chunks");
      int diversity = CorpusReader.number(fields, "diversity");
      int length = CorpusReader.number(fields, "length");
      int alphabet = CorpusReader.number(fields, "alphabet");
      BioDShape shape = fields
          .checkedAll(() -> new BioDShape(attributes, chunks, diversity, length, alphabet));
      return new BioDSpec(people, shape, lists);
    }

    @Override
    public BioD source(long seed, long first) {
      return from.bioD(shape).of(people, seed).from(first);
    }

    @Override
    public String name() {
      return "bioD-" + people + "-" + shape.attributes() + "-" + shape.chunks() + "-" + shape.diversity()
          + "-" + shape.length() + "-" + shape.alphabet();
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("kind", "bioD");
      settings.put("people", people);
      settings.put("shape", shape);
      settings.put("pools", from.settings("bioD " + shape, () -> from.bioD(shape).digest()));
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return List.of(from);
    }
  }

  /** Texts about people, written by a language model. */
  record BioRSpec(RewritingSpec of, RewrittenTexts texts) implements SourceSpec {
    static BioRSpec read(Fields fields, CorpusReader reader) {
      RewritingSpec of = reader.rewriting(fields);
      return fields.checked("file", () -> new BioRSpec(of, CorpusReader.texts(of)));
    }

    @Override
    public long people() {
      return of.people();
    }

    @Override
    public BioR corpus(long seed, long order) {
      return new BioR(texts, seed, order);
    }

    @Override
    public String name() {
      return "bioR-" + of.people();
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new BioSSpec(of.people(), of.from()).settings();
      settings.put("kind", "bioR");
      settings.put("people_seed", of.seed());
      settings.put("texts", texts.digest());
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return List.of(of.from());
    }

    @Override
    public Map<String, Path> files() {
      return Map.of(of.name(), of.file());
    }

    @Override
    public List<String> notices() {
      return List.of(of.name() + ": " + texts);
    }
  }

  /**
   * Random strings.
   *
   * @param people M: a string stands where other corpora have a person
   */
  record StringsSpec(long people, StringShape shape) implements SourceSpec {
    public static final String KIND = "strings";

    static StringsSpec read(Fields fields, CorpusReader reader) {
      long strings = fields.integer(KIND, 1, CorpusReader.MOST_PEOPLE);
      int length = CorpusReader.number(fields, "length");
      int alphabet = CorpusReader.number(fields, "alphabet");
      return new StringsSpec(strings, fields.checkedAll(() -> new StringShape(length, alphabet)));
    }

    @Override
    public RandomStrings corpus(long seed, long order) {
      return new RandomStrings(people, shape, seed, order);
    }

    @Override
    public String name() {
      return KIND + "-" + people + "-" + shape.length() + "-" + shape.alphabet();
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("kind", KIND);
      settings.put(KIND, people);
      settings.put("shape", shape);
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return List.of();
    }
  }

  /**
   * A part of a mixture.
   *
   * @param share of the windows
   * @param token in front of each of its texts; empty for none
   */
  record Ingredient(double share, String token, GeneratedSpec source) {
    private static Ingredient read(Fields fields, CorpusReader reader) {
      double share = fields.number("share");
      String token = fields.text("token", "");
      if (!token.matches("\\S*")) {
        throw fields.wrongText("token", "text without spaces", token);
      }
      Fields corpus = fields.mapping("corpus");
      fields.requireNoOthers();
      return new Ingredient(share, token, reader.generated(corpus));
    }

    private Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("share", share);
      settings.put("token", token);
      settings.put("corpus", source.settings());
      return settings;
    }
  }

  /** Several sources, the useful one first. Sources with equal lists of names have different people. */
  record MixtureSpec(List<Ingredient> ingredients) implements CorpusSpec {
    public MixtureSpec {
      ingredients = List.copyOf(ingredients);
    }

    static MixtureSpec read(Fields fields, CorpusReader reader) {
      return new MixtureSpec(fields.list("sources", "a mapping with 'share' and 'corpus', or a list of them",
          node -> Ingredient.read(reader.fields(fields.path() + ".sources", node), reader)));
    }

    @Override
    public long people() {
      return ingredients.getFirst().source().people();
    }

    @Override
    public double sourceBits() {
      Ingredient useful = ingredients.getFirst();
      double alike = useful.token().isEmpty()
          ? 1
          : ingredients.stream()
              .filter(each -> each.token().equals(useful.token()))
              .mapToDouble(Ingredient::share)
              .sum();
      return Math.max(0, Math.log(alike / useful.share()) / Math.log(2));
    }

    @Override
    public List<String> notices() {
      return sourceBits() == 0
          ? List.of()
          : List.of(String.format(Locale.ROOT,
              "%s: a measured name also costs about %s bits, because the model must guess which source a text is from;"
                  + " docs/measuring.md says how to compare",
              name(), Units.number(sourceBits(), 3)));
    }

    @Override
    public Mixture corpus(long seed, long order) {
      List<Mixture.Ingredient> made = new ArrayList<>();
      Map<List<List<String>>, Long> taken = new HashMap<>();
      for (Ingredient each : ingredients) {
        Pools pools = each.source().lists().getFirst().pools();
        List<List<String>> names = List.of(pools.first(), pools.middle(), pools.last());
        long first = taken.getOrDefault(names, 0L);
        made.add(new Mixture.Ingredient(each.source().source(seed, first).ordered(order), each.share(),
            each.token()));
        taken.put(names, first + each.source().people());
      }
      return new Mixture(order, made);
    }

    @Override
    public String name() {
      return ingredients.getFirst().source().name() + "-in-mixture-of-" + ingredients.size();
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("kind", "mixture");
      settings.put("sources", ingredients.stream().map(Ingredient::settings).toList());
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return ingredients.stream().flatMap(each -> each.source().lists().stream()).toList();
    }
  }

  /**
   * A corpus whose people do not all occur once in each round. Its exposures are the mean over the people.
   *
   * @param exposure how often people occur, and when
   * @param losses the file by which people are chosen, if there is one
   */
  record ExposedSpec(GeneratedSpec of, Exposure exposure, Optional<LossFile> losses) implements SourceSpec {
    @Override
    public long people() {
      return of.people();
    }

    @Override
    public Source corpus(long seed, long order) {
      return of.source(seed, 0).exposed(exposure).ordered(order);
    }

    @Override
    public String name() {
      return of.name() + "-" + exposure.label();
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>(of.settings());
      settings.put("exposure", exposure.parameters());
      return settings;
    }

    @Override
    public Map<String, Path> files() {
      return losses.map(file -> Map.of(file.name(), file.file())).orElse(Map.of());
    }

    @Override
    public List<Lists> lists() {
      return of.lists();
    }
  }

  /**
   * A corpus with questions about some of its people.
   *
   * @param share of the people with questions
   * @param timing when training asks them
   * @param more questions beside those about single values
   */
  record QuestionedSpec(GeneratedSpec of, double share, Timing timing,
      MoreQuestions more) implements CorpusSpec {
    @Override
    public long people() {
      return of.people();
    }

    @Override
    public QuestionedCorpus corpus(long seed, long order) {
      return new QuestionedCorpus(of.source(seed, 0).ordered(order), share, timing, more);
    }

    @Override
    public String name() {
      return of.name() + switch (timing) {
        case Timing.Mixed _ -> "-questioned";
        case Timing.Afterwards _ -> "-tuned";
      } + (more.twoHops() ? "-two-hops" : "") + (more.reversed() ? "-reversed" : "");
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>(of.settings());
      Map<String, Object> questions = new LinkedHashMap<>();
      questions.put("share", share);
      questions.putAll(timing.parameters());
      more.describe(questions);
      settings.put("questions", questions);
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return of.lists();
    }
  }

  /**
   * A corpus in which some people's values change during training.
   *
   * @param of the people before the change
   * @param share share of the people that change
   * @param attributes attributes that get another value
   * @param before exposures of all people before the change
   * @param replay share of the windows after the change that are about unchanged people
   * @param sequence whether the changed people are written one after another
   * @param written texts to replay; absent for true texts about unchanged people
   */
  record RevisedSpec(GeneratedSpec of, double share, Set<Attribute> attributes, long before, double replay,
      boolean sequence, Optional<ReplayFile> written) implements CorpusSpec {
    static final String KIND = "revised";

    private static final String NAMES = "names of attributes";
    private static final String SEQUENCE = "sequence";

    public RevisedSpec {
      attributes = Set.copyOf(attributes);
    }

    static RevisedSpec read(Fields fields, CorpusReader reader) {
      Fields of = fields.mapping("of");
      double share = fields.number("share");
      Set<Attribute> attributes = Set.copyOf(fields.list("attributes", NAMES, node -> {
        if (!node.isString()) {
          throw fields.wrong("attributes", NAMES, node);
        }
        return new Attribute(node.asString());
      }));
      long before = fields.integer("before", 0, CorpusReader.MOST_EXPOSURES);
      double replay = fields.number("replay", 0);
      return new RevisedSpec(reader.generated(of), share, attributes, before, replay,
          fields.flag(SEQUENCE, false), reader.replayed(fields));
    }

    @Override
    public long people() {
      return of.people();
    }

    @Override
    public RevisedCorpus corpus(long seed, long order) {
      return new RevisedCorpus(of.source(seed, 0).ordered(order), new Revision(share, attributes, seed),
          before, new Replay(replay, written.map(ReplayFile::texts).orElse(List.of())), sequence);
    }

    @Override
    public String name() {
      return of.name() + (sequence ? "-edited" : "-revised");
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("kind", KIND);
      settings.put("of", of.settings());
      settings.put("share", share);
      settings.put("attributes", attributes.stream().map(Attribute::key).sorted().toList());
      settings.put("before", before);
      settings.put("replay", replay);
      if (sequence) {
        // Only then: runs of earlier versions keep their names.
        settings.put(SEQUENCE, true);
      }
      written.ifPresent(file -> settings.put("replay_texts", file.digest()));
      return settings;
    }

    @Override
    public Map<String, Path> files() {
      return written.map(file -> Map.of(file.name(), file.file())).orElse(Map.of());
    }

    @Override
    public List<Lists> lists() {
      return of.lists();
    }
  }
}
