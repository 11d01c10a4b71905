package org.knowcap.experiments.laws;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.knowcap.analysis.law.Judgement;
import org.knowcap.analysis.law.LawClaim;
import org.knowcap.analysis.law.Quantity;
import org.knowcap.analysis.results.Limit;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.study.Fields;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.experiments.study.StudyReader;
import org.knowcap.experiments.study.YamlFile;
import org.knowcap.files.Folders;
import org.knowcap.models.quantisation.Gptq;
import org.knowcap.models.quantisation.Quantiser;
import org.knowcap.models.quantisation.RoundToNearest;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads the laws of a directory: {@code sizes.yaml}, which has what all arms of a size share, and {@code law-NN.yaml}, which
 * has what a law claims and its arms.
 */
public final class LawReader {
  /** How many laws the paper has: those that Knowcap ships. */
  public static final int LAWS = 12;

  private static final String SIZES = "sizes.yaml";
  private static final String WHAT = "law";
  private static final String RATES = "learning_rates";
  private static final String OF = "of";
  private static final String QUANTISE = "quantise";
  private static final List<String> QUANTITIES = List.of("ratio", "factor", "stored", "greatest");

  private final Path directory;
  private final LawSize size;
  private final Set<String> sizes;

  private LawReader(Path directory, LawSize size, Set<String> sizes) {
    this.directory = directory;
    this.size = size;
    this.sizes = sizes;
  }

  /** Laws of one size, by their numbers. */
  public record Laws(LawSize size, List<Law> laws) {}

  /**
   * Reads the laws that Knowcap ships.
   *
   * @param size in which they are run
   * @param only numbers of the laws; all where it is empty
   * @throws UserException where there is no such size or no such law
   */
  public static Laws shipped(String size, List<Integer> only) throws IOException {
    Path copy = Files.createTempDirectory("knowcap-laws");
    try {
      List<String> names = new ArrayList<>(List.of(SIZES));
      for (int law = 1; law <= LAWS; law++) {
        names.add(fileName(law));
      }
      for (String name : names) {
        try (InputStream text = LawReader.class.getResourceAsStream("/studies/laws/" + name)) {
          if (text != null) {
            Files.copy(text, copy.resolve(name));
          }
        }
      }
      return read(copy, size, only);
    } finally {
      Folders.delete(copy);
    }
  }

  private static String fileName(int law) {
    return String.format(Locale.ROOT, "law-%02d.yaml", law);
  }

  /**
   * Reads the laws of a directory.
   *
   * @param size in which they are run
   * @param only numbers of the laws; all where it is empty
   * @throws UserException where a file is not as it must be, or there is no such size or no such law
   */
  public static Laws read(Path directory, String size, List<Integer> only) throws IOException {
    Path file = directory.resolve(SIZES);
    Fields top = new Fields(file, "", YamlFile.read(file, WHAT));
    Set<String> sizes = new LinkedHashSet<>(top.keys().propertyNames());
    if (!sizes.contains(size)) {
      throw UserException
          .usage("--size must be one of " + String.join(", ", sizes) + ", found '" + size + "'");
    }
    LawReader reader = new LawReader(directory, size(size, top.mapping(size)), sizes);
    List<Law> laws = new ArrayList<>();
    List<Integer> there = numbers(directory);
    for (int law : only.isEmpty() ? there : only) {
      if (!there.contains(law)) {
        throw UserException.usage("--only must be of " + there + ", found " + law);
      }
      laws.add(reader.law(law));
    }
    if (laws.isEmpty()) {
      throw UserException.usage(directory + " has no law: a law is a file such as " + fileName(1));
    }
    return new Laws(reader.size, List.copyOf(laws));
  }

  private static List<Integer> numbers(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(each -> each.getFileName().toString())
          .filter(name -> name.matches("law-\\d{2}\\.yaml"))
          .map(name -> Integer.valueOf(name.substring(4, 6)))
          .sorted()
          .toList();
    }
  }

  private static LawSize size(String name, Fields fields) {
    long choosing = fields.integer("choosing_seed", 0, Long.MAX_VALUE);
    List<Long> seeds = fields.integers("seeds", 0, Long.MAX_VALUE);
    if (seeds.size() < 2 || seeds.contains(choosing)) {
      throw fields.wrongText("seeds", "at least two numbers, none of them the choosing seed " + choosing,
          seeds.toString());
    }
    List<Double> rates = rates(fields);
    int more = (int) fields.integer("more_rates", 0, 10);
    ObjectNode study = fields.mapping("study").keys();
    fields.requireNoOthers();
    return new LawSize(name, choosing, seeds, rates, more, study);
  }

  private static List<Double> rates(Fields fields) {
    String what = "a number above 0, or a list of them";
    return fields.list(RATES, what, node -> {
      if (!node.isNumber() || !(node.asDouble() > 0) || Double.isInfinite(node.asDouble())) {
        throw fields.wrong(RATES, what, node);
      }
      return node.asDouble();
    }).stream().sorted().toList();
  }

  private Law law(int number) throws IOException {
    Path file = directory.resolve(fileName(number));
    Fields top = new Fields(file, "", YamlFile.read(file, WHAT));
    long stated = top.integer("law", 1, 99);
    if (stated != number) {
      throw top.wrongText("law", Integer.toString(number) + ", as the file's name says",
          Long.toString(stated));
    }
    String title = top.text("title");
    String claim = top.text("claim");
    String source = top.text("source");
    Map<String, Fields> arms = new LinkedHashMap<>();
    for (String name : sizes) {
      arms.put(name, top.mapping(name));
    }
    Set<String> all = new LinkedHashSet<>();
    arms.values().forEach(each -> all.addAll(each.keys().propertyNames()));
    List<JsonNode> judge = top.list("judge", "a list of judgements", node -> node);
    top.requireNoOthers();
    List<LawArm> own = arms(file, arms.get(size.name()));
    if (own.isEmpty()) {
      throw UserException.usage(file + ": '" + size.name() + "' has no arms; it must be a mapping of names to"
          + " what each arm is");
    }
    Set<String> names = Set.copyOf(own.stream().map(LawArm::name).toList());
    List<Judgement> judgements = new ArrayList<>();
    for (JsonNode node : judge) {
      Judgement judgement = judgement(file, new Fields(file, "judge[" + judgements.size() + "]", node));
      judgement.quantity().arms().stream().filter(arm -> !all.contains(arm)).findFirst().ifPresent(arm -> {
        throw UserException.usage(
            file + ": a judgement names the arm '" + arm + "'; the arms are " + String.join(", ", all));
      });
      judgements.add(judgement);
    }
    List<Judgement> decidable = judgements.stream()
        .filter(each -> names.containsAll(each.quantity().arms()))
        .toList();
    if (decidable.isEmpty()) {
      throw UserException.usage(file + ": no judgement is of the arms of '" + size.name() + "' alone");
    }
    return new Law(new LawClaim(number, title, claim, source, judgements.size()), own, decidable);
  }

  private static Judgement judgement(Path file, Fields fields) {
    List<String> given = QUANTITIES.stream().filter(fields::has).toList();
    if (given.size() != 1) {
      throw UserException.usage(file + ": '" + fields.path() + "' must have one of the keys "
          + String.join(", ", QUANTITIES) + ", found " + given);
    }
    String key = given.getFirst();
    List<String> arms = fields.list(key, "the name of an arm, or a list of names", JsonNode::asString);
    int wanted = switch (key) {
      case "factor" -> 2;
      case "greatest" -> Math.max(1, arms.size());
      default -> 1;
    };
    if (arms.size() != wanted) {
      throw fields.wrongText(key, wanted == 1 ? "one arm" : "two arms", arms.toString());
    }
    Quantity quantity = switch (key) {
      case "ratio" -> new Quantity.Ratio(arms.getFirst());
      case "factor" -> new Quantity.Factor(arms.getFirst(), arms.getLast());
      case "stored" -> new Quantity.Stored(arms.getFirst());
      default -> new Quantity.Greatest(arms);
    };
    List<Judgement.Direction> directions = Stream.of(Judgement.Direction.values())
        .filter(each -> fields.has(each.key()))
        .toList();
    if (directions.size() != 1) {
      throw UserException.usage(file + ": '" + fields.path()
          + "' must have one of the keys at_least, at_most, about, found " + directions);
    }
    Judgement.Direction direction = directions.getFirst();
    double published = fields.number(direction.key());
    double margin = fields.number("margin");
    Set<Limit> accepted = EnumSet.noneOf(Limit.class);
    accepted.addAll(fields.list("limited_by", "one of " + List.of(Limit.values()) + ", or a list of them",
        node -> Stream.of(Limit.values())
            .filter(limit -> limit.toString().equals(node.asString()))
            .findFirst()
            .orElseThrow(() -> fields.wrong("limited_by", "of " + List.of(Limit.values()), node))));
    fields.requireNoOthers();
    return fields.checkedAll(() -> new Judgement(quantity, direction, published, margin, accepted));
  }

  private List<LawArm> arms(Path file, Fields fields) throws IOException {
    Map<String, LawArm> arms = new LinkedHashMap<>();
    for (String name : fields.keys().propertyNames()) {
      Fields arm = fields.mapping(name);
      arms.put(name, arm.has(OF) ? rounded(arm, name, arms) : trained(file, arm, name, arms));
    }
    return List.copyOf(arms.values());
  }

  /** An arm that is another one's models, rounded. */
  private static LawArm rounded(Fields fields, String name, Map<String, LawArm> arms) {
    String of = fields.text(OF);
    LawArm trained = arms.get(of);
    if (trained == null || trained.quantiser().isPresent()) {
      throw fields.wrongText(OF, "an arm above it that is trained", of);
    }
    Fields how = fields.mapping(QUANTISE);
    fields.requireNoOthers();
    String method = how.text("method");
    int bits = (int) how.integer("bits", 2, 8);
    int group = (int) how.integer("group", 1, Integer.MAX_VALUE, RoundToNearest.USUAL_GROUP);
    how.requireNoOthers();
    Quantiser quantiser = how.checkedAll(() -> switch (method) {
      case "gptq" -> new Gptq(bits, group, false);
      case "rtn" -> new RoundToNearest(bits, group);
      default -> throw how.wrongText("method", "gptq or rtn", method);
    });
    return new LawArm(name, trained.keys(), trained.any(), trained.learningRates(), trained.chooser(),
        Optional.of(quantiser));
  }

  private LawArm trained(Path file, Fields fields, String name, Map<String, LawArm> arms) throws IOException {
    Optional<LawArm> chooser = fields.holdsMapping(RATES)
        ? Optional.of(chooser(fields.mapping(RATES), arms))
        : Optional.empty();
    List<Double> rates = chooser.map(LawArm::learningRates)
        .orElseGet(() -> fields.has(RATES) ? rates(fields) : size.learningRates());
    ObjectNode keys = fields.keys().deepCopy();
    keys.remove(RATES);
    for (String own : List.of("seeds", "grids", "name")) {
      if (keys.has(own)) {
        throw UserException.usage(file + ": '" + fields.path() + "' must not have the key '" + own + "'");
      }
    }
    List<RunSpec> runs = runs(file, fields.path(), keys, rates.getFirst());
    if (runs.size() != 1) {
      throw UserException.usage(file + ": '" + fields.path() + "' must be one setting, found " + runs.size()
          + "; give one model, one number of people and one of exposures, and no lists");
    }
    return new LawArm(name, keys, runs.getFirst(), rates, chooser, Optional.empty());
  }

  /** The arm whose learning rate another takes. */
  private static LawArm chooser(Fields fields, Map<String, LawArm> arms) {
    String of = fields.text(OF);
    fields.requireNoOthers();
    LawArm chooser = arms.get(of);
    if (chooser == null || chooser.chooser().isPresent()) {
      throw fields.wrongText(OF, "an arm above it that tries learning rates of its own", of);
    }
    return chooser;
  }

  /** The runs of an arm with one learning rate and the choosing seed, as a study has them. */
  private List<RunSpec> runs(Path file, String path, ObjectNode keys, double rate) throws IOException {
    Path folder = Files.createTempDirectory("knowcap-law");
    Path study = folder.resolve("study.yaml");
    try {
      ArrayNode grids = JsonNodeFactory.instance.arrayNode();
      grids.add(LawStudy.grid(keys, rate, List.of(size.choosingSeed())));
      Files.write(study, new YAMLMapper().writeValueAsBytes(LawStudy.file(size, grids)));
      return StudyReader.read(study).runs();
    } catch (UserException e) {
      throw UserException.usage(e.getMessage().replace(study.toString(), file + ", arm '" + path + "'"));
    } finally {
      Folders.delete(folder);
    }
  }
}
