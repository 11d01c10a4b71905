package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.knowcap.experiments.UserException;
import org.knowcap.models.architecture.Family;
import org.knowcap.models.architecture.ModelOption;
import org.knowcap.models.architecture.ModelSpec;
import tools.jackson.databind.JsonNode;

/** Reads the models of a study file. */
final class ModelReader {
  private static final String FAMILY = "family";
  private static final int MOST_WIDTH = 1 << 20;

  private final Path file;
  private final IntSupplier vocabulary;
  private final List<String> remarks;

  /**
   * @param vocabulary tokens of the study's corpus; asked for only where a model is given by its number of parameters
   * @param remarks receives remarks on how an entry was understood, if the study leaves that open
   */
  ModelReader(Path file, IntSupplier vocabulary, List<String> remarks) {
    this.file = file;
    this.vocabulary = vocabulary;
    this.remarks = remarks;
  }

  /** The models of an entry: one model, or one for each depth if the entry has a family and a number of parameters. */
  List<ModelSpec> models(JsonNode node) {
    if (!node.isObject() || !node.has(FAMILY)) {
      return List.of(model(node));
    }
    Fields fields = new Fields(file, "models", node);
    String prefix = fields.text(FAMILY);
    Family family = Family.named(prefix)
        .orElseThrow(() -> fields.wrongText(FAMILY, "one of " + Family.prefixes(), prefix));
    if (fields.has("parameters")) {
      return ofParameters(family, fields);
    }
    if (!fields.has("layers")) {
      throw UserException
          .usage(file + ": 'models': beside 'family' there must be 'parameters' and 'depths', or 'layers',"
              + " 'width' and 'heads', found " + node.propertyNames());
    }
    return List.of(ofShape(family, fields));
  }

  private List<ModelSpec> ofParameters(Family family, Fields fields) {
    long parameters = fields.integer("parameters", 1, Integer.MAX_VALUE);
    boolean fixed = fields.has("head_width");
    int headWidth = (int) fields.integer("head_width", 1, ModelSpec.WIDEST_HEAD, ModelSpec.PAPER_HEAD_WIDTH);
    List<Long> depths = fields.integers("depths", 1, 9999);
    fields.requireNoOthers();
    int tokens = vocabulary.getAsInt();
    List<ModelSpec> models = new ArrayList<>();
    for (long depth : depths) {
      ModelSpec model = checked("models",
          () -> fixed
              ? family.nearest(parameters, (int) depth, headWidth, tokens)
              : family.nearest(parameters, (int) depth, tokens));
      long found = model.parameters(tokens).total();
      remarks
          .add(String.format(Locale.ROOT, "%s: %,d parameters with V = %d, %.1f %% %s than the %,d asked for",
              model.name(), found, tokens, 100.0 * Math.abs(found - parameters) / parameters,
              found < parameters ? "fewer" : "more", parameters));
      models.add(model);
    }
    return models;
  }

  private ModelSpec ofShape(Family family, Fields fields) {
    int layers = (int) fields.integer("layers", 1, 9999);
    int width = (int) fields.integer("width", 1, MOST_WIDTH);
    int heads = (int) fields.integer("heads", 1, width);
    if (width % heads != 0 || width / heads > ModelSpec.WIDEST_HEAD) {
      throw fields.wrongText("heads", "a divisor of the width " + width + ", so that a head has at most "
          + ModelSpec.WIDEST_HEAD + " components", Integer.toString(heads));
    }
    ModelSpec named = checked("models", () -> family.model(layers, heads, width / heads));
    return withOptions(named, fields,
        ModelOption.ALL.stream().filter(option -> option != ModelOption.HEAD_WIDTH));
  }

  private ModelSpec model(JsonNode node) {
    if (!node.isString() && !node.isObject()) {
      throw UserException.usage(file
          + ": 'models' must hold names such as gpt2-2-4 or mappings with 'name' or 'family', found " + node);
    }
    if (node.isString()) {
      return checked("models", () -> ModelSpec.parse(node.asString()));
    }
    Fields fields = new Fields(file, "models", node);
    String name = fields.text("name");
    ModelSpec named = checked("models.name", () -> ModelSpec.parse(name));
    return withOptions(named, fields, ModelOption.ALL.stream());
  }

  private ModelSpec withOptions(ModelSpec named, Fields fields, Stream<ModelOption<?>> options) {
    ModelSpec.Builder builder = named.builder();
    options.forEach(option -> option.read(fields, named, builder));
    fields.requireNoOthers();
    return checked("models", builder::build);
  }

  private <T> T checked(String key, Supplier<T> constructor) {
    return Fields.checked(file, key, constructor);
  }
}
