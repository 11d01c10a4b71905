package org.knowcap.experiments.runner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.knowcap.files.WholeFile;

/** Text for a POSIX shell. */
final class ShellScript {
  private ShellScript() {}

  /** A command line whose words the shell takes as they are. */
  static String command(List<String> words) {
    return words.stream().map(ShellScript::quoted).collect(Collectors.joining(" "));
  }

  /** A word that the shell takes as it is. */
  static String quoted(String word) {
    return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  static void write(Path file, String script) throws IOException {
    WholeFile.write(file, out -> out.write(script.getBytes(StandardCharsets.UTF_8)));
  }
}
