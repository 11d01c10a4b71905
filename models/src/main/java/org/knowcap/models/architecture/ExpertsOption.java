package org.knowcap.models.architecture;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The mixture of experts in names, in studies and in words. A name has the number of experts after its family, and
 * the other settings at its end. It omits the capacity factor in measuring, which blocks have experts, how many are
 * shared, and the weights of the router's losses.
 */
final class ExpertsOption {
  private static final String CAPACITY = "cap(?:none|[0-9]+(?:[.][0-9]+)?)";
  private static final String CHOOSING = "(?:-expertchoice)?";
  private static final String PATTERN = "top" + Suffix.NUMBER + "(?:-" + CAPACITY + ")?" + CHOOSING + "|"
      + CAPACITY + CHOOSING + "|expertchoice";
  private static final Pattern TOP = Pattern.compile("top(" + Suffix.NUMBER + ").*");
  private static final Pattern FACTOR = Pattern.compile(".*cap([a-z0-9.]+).*");

  private ExpertsOption() {}

  static ModelOption<Optional<Experts>> row(String key) {
    Suffix<Optional<Experts>> suffix = new Suffix<>(PATTERN,
        (text, plain) -> plain.feedForward().experts().map(usual -> parse(text, Optional.empty(), usual)),
        ExpertsOption::print);
    return new ModelOption<>(key, suffix,
        (values, named) -> named.feedForward().experts().map(experts -> read(key, values, experts)),
        model -> model.feedForward().experts(),
        (builder, value) -> value
            .ifPresent(experts -> builder.feedForward = builder.feedForward.with(experts)),
        (_, _) -> {}, model -> model.feedForward().experts().map(ExpertsOption::phrase).orElse(""));
  }

  /**
   * Reads the experts of a name.
   *
   * @param text the settings at the end of the name; may be empty
   * @param count the number after the family
   * @param usual the family's
   */
  static Experts parse(String text, Optional<Integer> count, Experts usual) {
    int total = count.orElse(usual.count());
    Matcher top = TOP.matcher(text);
    Optional<Integer> topK = top.matches() ? Optional.of(Integer.valueOf(top.group(1))) : Optional.empty();
    // Both at once: a family's own number of experts to a token may be more than there are now.
    Experts experts = topK.isPresent()
        ? usual.withTopK(1).withCount(total).withTopK(topK.get())
        : usual.withCount(total);
    Matcher factor = FACTOR.matcher(text);
    if (factor.matches()) {
      experts = experts.withCapacity(
          Optional.of(factor.group(1)).filter(number -> !number.equals("none")).map(Double::valueOf),
          experts.testCapacityFactor());
    }
    return text.endsWith("expertchoice") ? experts.choosing().withTopK(topK.orElse(1)) : experts;
  }

  private static String print(Optional<Experts> experts, ModelSpec plain) {
    return experts.map(found -> print(found, plain.feedForward().experts().orElseThrow())).orElse("");
  }

  private static String print(Experts experts, Experts plain) {
    StringBuilder text = new StringBuilder();
    if (experts.causal() && experts.topK() != plain.topK()) {
      text.append("-top").append(experts.topK());
    }
    if (!experts.capacityFactor().equals(plain.capacityFactor())) {
      text.append("-cap").append(experts.capacityFactor().map(ExpertsOption::number).orElse("none"));
    }
    if (!experts.causal()) {
      text.append("-expertchoice");
    }
    return text.isEmpty() ? "" : text.substring(1);
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  /** Keys of a family with experts; in other families they are unknown. */
  private static Experts read(String key, OptionValues values, Experts named) {
    int count = (int) values.integer(key, 1, 9999, named.count());
    Experts.Choice choice = values.choice("choice", Experts.Choice.class, named.choice());
    boolean chosen = choice != named.choice();
    int topK = (int) values.integer("top_k", 1, 9999, chosen ? 1 : named.topK());
    Optional<Double> capacity = factor(values, "capacity_factor", named.capacityFactor());
    Optional<Double> test = factor(values, "test_capacity_factor",
        choice == Experts.Choice.EXPERTS ? capacity : named.testCapacityFactor());
    int every = (int) values.integer("experts_every", 1, 9999, named.every());
    int shared = (int) values.integer("shared_experts", 0, 9999, named.shared());
    double balance = values.number("balance_loss", choice == Experts.Choice.EXPERTS ? 0 : named.balance());
    double zLoss = values.number("z_loss", named.zLoss());
    return values
        .checkedAll(() -> new Experts(count, choice, topK, capacity, test, every, shared, balance, zLoss));
  }

  private static Optional<Double> factor(OptionValues values, String key, Optional<Double> absent) {
    return values.has(key)
        ? values.isText(key, "none") ? Optional.empty() : Optional.of(values.number(key))
        : absent;
  }

  private static String phrase(Experts experts) {
    return experts.count() + " experts, "
        + (experts.causal() ? experts.topK() + " for each token" : "which choose tokens: not causal")
        + (experts.every() == 1 ? "" : ", in one of every " + experts.every() + " blocks")
        + (experts.shared() == 0 ? "" : ", and " + experts.shared() + " shared");
  }
}
