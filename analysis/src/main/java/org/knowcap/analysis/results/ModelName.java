package org.knowcap.analysis.results;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parts of a model's short name, such as llama-2-4-w16-tied.
 *
 * @param family without its size: "gpt2" of gpt2-2-4-w16, "llama-tied" of llama-6-8-tied; the whole name where it has no
 *        size
 * @param size layers, heads and the width of heads: "-2-4-w16"; absent where the name has none
 */
public record ModelName(String family, Optional<String> size) {
  /** FAMILY, then LAYERS-HEADS and the width of heads, then what differs from the family. */
  private static final Pattern PARTS = Pattern.compile("(.+?)(-\\d+-\\d+(?:-w\\d+)?)(-.+)?");

  /** The parts of this name. */
  public static ModelName of(String name) {
    Matcher parts = PARTS.matcher(name);
    if (!parts.matches()) {
      return new ModelName(name, Optional.empty());
    }
    String variant = parts.group(3) == null ? "" : parts.group(3);
    return new ModelName(parts.group(1) + variant, Optional.of(parts.group(2)));
  }
}
