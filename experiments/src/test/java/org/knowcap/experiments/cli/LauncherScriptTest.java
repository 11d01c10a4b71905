package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.testing.TimeLimit;

/** What {@code ./knowcap} says of its first build. Scripts play Maven, with what Maven and its Java say, and Java. */
class LauncherScriptTest {
  private static final String MAVEN = """
      #!/bin/sh
      case " $* " in *" -T1 "*) ;; *) echo "[WARNING] Your build is requesting parallel execution" ;; esac
      echo "WARNING: A terminally deprecated method in sun.misc.Unsafe has been called" >&2
      printf '[\\033[1;34mINFO\\033[m] \\033[1mBuilding knowcap-files 0.1.0-SNAPSHOT                    [2/8]\\033[m\\n'
      printf '[\\033[1;33mWARNING\\033[m] a dependency has moved\\n'
      if [ -e broken ]; then
        echo "[ERROR] Files.java:[3,1] ';' expected"
        echo "[ERROR] "
        exit 3
      fi
      mkdir -p experiments/target/app
      """;
  private static final String JAVA = """
      #!/bin/sh
      case " $* " in *" warm-up "*) echo "warmed up" ;; *) echo "java is here" ;; esac
      """;

  @TempDir
  private Path folder;
  private Path home;

  @BeforeEach
  void makeTheProject() throws IOException {
    home = Files.createDirectory(folder.resolve("a project"));
    Path launcher = Path.of("..", "knowcap");
    executable(home.resolve("knowcap"), Files.readString(launcher));
    executable(folder.resolve("bin").resolve("mvn"), MAVEN);
    executable(folder.resolve("jdk").resolve("bin").resolve("java"), JAVA);
    Files.writeString(folder.resolve("jdk").resolve("release"),
        "JAVA_RUNTIME_VERSION=\"25.0.3+9\"\nJAVA_VERSION=\"25.0.3\"\n");
  }

  private static void executable(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    assertTrue(Files.writeString(file, text).toFile().setExecutable(true));
  }

  private Outcome knowcap() throws IOException, InterruptedException {
    Path err = folder.resolve("err");
    ProcessBuilder builder = new ProcessBuilder(home.resolve("knowcap").toString(), "--help")
        .redirectError(err.toFile());
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    builder.environment().remove("KNOWCAP_PROFILES");
    builder.environment().put("PATH", folder.resolve("bin") + File.pathSeparator + System.getenv("PATH"));
    Process process = TimeLimit.start(builder);
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), out, Files.readString(err));
  }

  @Test
  void aBuildIsQuiet() throws Exception {
    Outcome first = knowcap();
    assertEquals(0, first.exitCode(), first.toString());
    assertEquals("java is here\n", first.out());
    List<String> said = first.err().lines().toList();
    assertTrue(said.getFirst().startsWith("knowcap: building ("), first.err());
    assertEquals(List.of("  [2/8] files", "  built"), said.subList(1, said.size()));
    assertEquals(new Outcome(0, "java is here\n", ""), knowcap());
  }

  @Test
  void aBuildThatFailsSaysWhy() throws Exception {
    Files.createFile(home.resolve("broken"));
    Outcome failed = knowcap();
    assertEquals(3, failed.exitCode(), failed.toString());
    assertEquals("", failed.out());
    List<String> said = failed.err().lines().toList();
    assertEquals(
        List.of("  [2/8] files", "[WARNING] a dependency has moved", "[ERROR] Files.java:[3,1] ';' expected"),
        said.subList(1, said.size()));
  }
}
