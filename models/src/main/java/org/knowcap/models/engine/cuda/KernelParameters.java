package org.knowcap.models.engine.cuda;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.knowcap.models.engine.cuda.driver.Numbers;

/**
 * The parameters of each kernel, as its source declares them. CUDA does not check arguments: a wrong one reads wrong
 * memory.
 */
record KernelParameters(Map<String, List<String>> declared) {
  private static final Pattern KERNEL = Pattern.compile("KERNEL(?:_OF\\([^)]*\\))? void (\\w+)\\(([^)]*)\\)");

  /** Of all kernels of a source. */
  static KernelParameters of(String source) {
    return new KernelParameters(KERNEL.matcher(source)
        .results()
        .collect(Collectors.toMap(found -> found.group(1),
            found -> List.of(found.group(2).strip().split("\\s*,\\s*")))));
  }

  /** @throws IllegalArgumentException where arguments differ from a kernel's parameters in number or kind */
  void require(String kernel, Object... arguments) {
    List<String> parameters = declared.get(kernel);
    if (parameters == null) {
      throw new IllegalArgumentException("there is no kernel '" + kernel + "'");
    }
    List<Class<?>> expected = parameters.stream().<Class<?>>map(KernelParameters::kind).toList();
    List<Class<?>> found = Arrays.stream(arguments).<Class<?>>map(Object::getClass).toList();
    if (!expected.equals(found)) {
      throw new IllegalArgumentException("kernel '" + kernel + "' takes " + parameters + ", found "
          + found.stream().map(Class::getSimpleName).toList());
    }
  }

  /** What the driver passes for a parameter such as {@code const float* x}. */
  private static Class<?> kind(String parameter) {
    if (parameter.contains("*")) {
      return Long.class;
    }
    return switch (parameter.replaceFirst("^const ", "").split(" ")[0]) {
      case "Numbers" -> Numbers.class;
      case "Index" -> Long.class;
      case "int" -> Integer.class;
      case "float" -> Float.class;
      case "double" -> Double.class;
      default -> throw new IllegalArgumentException("no launch passes a '" + parameter + "'");
    };
  }
}
