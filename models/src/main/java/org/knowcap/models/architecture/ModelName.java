package org.knowcap.models.architecture;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Short names of models: {@code FAMILY-LAYERS-HEADS}, such as {@code gpt2-2-4}, then a suffix for every option in
 * which the model differs from its family, in the order of {@link ModelOption#IN_NAMES}. A family with experts may
 * have their number after it, such as {@code gpt2-moe32-2-4}.
 */
final class ModelName {
  private static final Pattern NAME = Pattern.compile("(?<family>" + String.join("|", Family.prefixes())
      + ")-(?<layers>" + Suffix.NUMBER + ")-(?<heads>" + Suffix.NUMBER + ")"
      + ModelOption.IN_NAMES.stream()
          .map(option -> "(?:-(?<" + group(option) + ">" + option.suffix().pattern() + "))?")
          .collect(Collectors.joining()));
  /** A family with experts, their number, and the rest of the name. */
  private static final Pattern EXPERTS = Pattern
      .compile("(" + String.join("|", Family.prefixesWithExperts()) + ")(" + Suffix.NUMBER + ")(-.*)");

  private ModelName() {}

  private static String group(ModelOption<?> option) {
    return option.key().replace("_", "");
  }

  static ModelSpec parse(String name) {
    Matcher numbered = EXPERTS.matcher(name);
    Optional<Integer> count = numbered.matches()
        ? Optional.of(Integer.valueOf(numbered.group(2)))
        : Optional.empty();
    Matcher matcher = NAME.matcher(count.isPresent() ? numbered.group(1) + numbered.group(3) : name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("no model is named '" + name
          + "'; a name is FAMILY-LAYERS-HEADS, such as gpt2-2-4, where FAMILY is one of "
          + String.join(", ", Family.prefixes()) + ", then -wWIDTH for a head width other than "
          + ModelSpec.PAPER_HEAD_WIDTH + " and other options, see docs/architectures.md");
    }
    ModelSpec plain = Family.named(matcher.group("family"))
        .orElseThrow()
        .model(Integer.parseInt(matcher.group("layers")), Integer.parseInt(matcher.group("heads")),
            ModelSpec.PAPER_HEAD_WIDTH);
    ModelSpec.Builder builder = plain.builder();
    for (ModelOption<?> option : ModelOption.IN_NAMES) {
      String text = matcher.group(group(option));
      if (text != null && option != ModelOption.EXPERTS) {
        option.parse(text, plain, builder);
      }
    }
    Optional<String> experts = Optional.ofNullable(matcher.group(group(ModelOption.EXPERTS)));
    if (plain.feedForward().experts().isEmpty() && experts.isPresent()) {
      throw new IllegalArgumentException("-top, -cap and -expertchoice are for families with experts ("
          + String.join(", ", Family.prefixesWithExperts()) + "), found '" + matcher.group() + "'");
    }
    plain.feedForward()
        .experts()
        .map(usual -> ExpertsOption.parse(experts.orElse(""), count, usual))
        .ifPresent(found -> builder.feedForward = builder.feedForward.with(found));
    return builder.build();
  }

  static String of(ModelSpec model) {
    ModelSpec plain = model.family().model(model.layers(), model.heads(), ModelSpec.PAPER_HEAD_WIDTH);
    String count = model.feedForward().experts().map(experts -> Integer.toString(experts.count())).orElse("");
    return model.family().prefix() + count + "-" + model.layers() + "-" + model.heads()
        + ModelOption.IN_NAMES.stream()
            .map(option -> option.print(model, plain))
            .filter(text -> !text.isEmpty())
            .map(text -> "-" + text)
            .collect(Collectors.joining());
  }
}
