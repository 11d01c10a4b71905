package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bior.BioR;
import org.knowcap.generators.bior.RewrittenTexts;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.pools.Pools;

/** What determines a corpus but for its seed: one record for each kind. */
public sealed interface CorpusSpec {
  /** N; of a mixture, the people of its first source. */
  long people();

  /** The corpus; the same seed and lists give the same people whatever N. */
  Corpus corpus(long seed);

  /** Begins the names of runs, as in "bioS-200". */
  String name();

  /** What stands for it in {@code run.json}; runs of equal settings are the same run. */
  Map<String, Object> settings();

  /** Pools and templates of all that it is made of. */
  List<Lists> lists();

  /** Files that it was read from, by their names in the study. */
  default Map<String, Path> files() {
    return Map.of();
  }

  /** What one should know of it before it is run. */
  default List<String> notices() {
    return List.of();
  }

  /** A corpus of one source of texts. */
  sealed interface SourceSpec extends CorpusSpec {
    @Override
    Source corpus(long seed);
  }

  /** A corpus of one source whose texts are made on the way, which may be part of a mixture. */
  sealed interface GeneratedSpec extends SourceSpec {
    /** Its people are those that the seed and the lists make, from number {@code first} on. */
    GeneratedSource<?> source(long seed, long first);

    @Override
    default Source corpus(long seed) {
      return source(seed, 0);
    }
  }

  /** Biographies redrawn at every exposure. */
  record BioSSpec(long people, Lists from) implements GeneratedSpec {
    @Override
    public BioS source(long seed, long first) {
      return new BioS(people, seed, from.pools(), from.templates()).from(first);
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
      settings.put("pools", from.settings(() -> new BioS(1, 0, from.pools(), from.templates()).digest()));
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return List.of(from);
    }
  }

  /** Biographies of which each person has one, the same at every exposure. */
  record BioSSimpleSpec(long people, Lists from) implements GeneratedSpec {
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
    @Override
    public BioD source(long seed, long first) {
      return new BioD(people, shape, seed, from.pools()).from(first);
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
      settings.put("pools", from.settings(() -> new BioD(1, shape, 0, from.pools()).digest()));
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return List.of(from);
    }
  }

  /** People about whom a language model has written. */
  record BioRSpec(RewritingSpec of, RewrittenTexts texts) implements SourceSpec {
    @Override
    public long people() {
      return of.people();
    }

    @Override
    public BioR corpus(long seed) {
      return new BioR(texts, seed);
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
   * A part of a mixture.
   *
   * @param share of the windows
   * @param token in front of each of its texts; empty for none
   */
  record Ingredient(double share, String token, GeneratedSpec source) {
    private Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("share", share);
      settings.put("token", token);
      settings.put("corpus", source.settings());
      return settings;
    }
  }

  /** Several sources, the useful one first. Those whose names are of the same lists have different people. */
  record MixtureSpec(List<Ingredient> ingredients) implements CorpusSpec {
    public MixtureSpec {
      ingredients = List.copyOf(ingredients);
    }

    @Override
    public long people() {
      return ingredients.getFirst().source().people();
    }

    @Override
    public Mixture corpus(long seed) {
      List<Mixture.Ingredient> made = new ArrayList<>();
      Map<List<List<String>>, Long> taken = new HashMap<>();
      for (Ingredient each : ingredients) {
        Pools pools = each.source().lists().getFirst().pools();
        List<List<String>> names = List.of(pools.first(), pools.middle(), pools.last());
        long first = taken.getOrDefault(names, 0L);
        made.add(new Mixture.Ingredient(each.source().source(seed, first), each.share(), each.token()));
        taken.put(names, first + each.source().people());
      }
      return new Mixture(seed, made);
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
   * People some of whose values change while they are learnt.
   *
   * @param of the people as they are at first
   * @param share of the people who change
   * @param attributes of which each of them gets another value
   * @param before exposures of everybody before the change
   * @param replay share of the windows after it that are about those who stay as they were
   */
  record RevisedSpec(GeneratedSpec of, double share, Set<Attribute> attributes, long before,
      double replay) implements CorpusSpec {
    public RevisedSpec {
      attributes = Set.copyOf(attributes);
    }

    @Override
    public long people() {
      return of.people();
    }

    @Override
    public RevisedCorpus corpus(long seed) {
      return new RevisedCorpus(of.source(seed, 0), new Revision(share, attributes, seed), before, replay);
    }

    @Override
    public String name() {
      return of.name() + "-revised";
    }

    @Override
    public Map<String, Object> settings() {
      Map<String, Object> settings = new LinkedHashMap<>();
      settings.put("kind", "revised");
      settings.put("of", of.settings());
      settings.put("share", share);
      settings.put("attributes", attributes.stream().map(Attribute::key).sorted().toList());
      settings.put("before", before);
      settings.put("replay", replay);
      return settings;
    }

    @Override
    public List<Lists> lists() {
      return of.lists();
    }
  }
}
