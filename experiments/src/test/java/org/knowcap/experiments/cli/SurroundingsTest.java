package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.FileContents.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.testing.TimeLimit;

/** What surrounds a command: the machine's language, where its output goes, and what the shell hands it. */
@Tag("process")
class SurroundingsTest {
  private static final String STUDY = """
      name: around
      corpus: {kind: bioS, people: 40}
      models: gpt2-1-1
      exposures: 20
      training: {batch_size: 4, context_length: 128, learning_rate: 0.001, warmup_steps: 1}
      """;

  @TempDir
  private Path directory;

  private Path study(String text) throws IOException {
    return Files.writeString(directory.resolve("study.yaml"), text);
  }

  /** Languages with digits of their own, with decimal commas, and none. */
  @Test
  void outputIsTheSameInEveryLanguage() throws Exception {
    Path spec = study(STUDY);
    List<List<String>> languages = List.of(List.of(), List.of("-Duser.language=ar", "-Duser.country=EG"),
        List.of("-Duser.language=fa", "-Duser.country=IR"),
        List.of("-Duser.language=de", "-Duser.country=DE"));
    Map<String, byte[]> expected = Map.of();
    String plan = "";
    for (int i = 0; i < languages.size(); i++) {
      Path out = directory.resolve("corpus" + i);
      Outcome generated = KnowcapProcess.start(languages.get(i), "generate", spec, "--out", out).end();
      assertEquals(0, generated.exitCode(), generated.toString());
      Outcome planned = KnowcapProcess.start(languages.get(i), "models", "gpt2-1-1").end();
      assertEquals(0, planned.exitCode(), planned.toString());
      Map<String, byte[]> written = files(out);
      if (i == 0) {
        expected = written;
        plan = planned.out();
      }
      assertEquals(expected.keySet(), written.keySet());
      expected.forEach((name, bytes) -> assertArrayEquals(bytes, written.get(name), name));
      assertEquals(plan, planned.out());
    }
  }

  @Test
  void aFullDiskUnderStandardOutputIsAFailure() throws Exception {
    Path full = Path.of("/dev/full");
    Assumptions.assumeTrue(Files.exists(full), "this system has no /dev/full");
    for (String[] command : List.of(new String[]{"models", "gpt2-1-1"}, new String[]{"models", "--json"},
        new String[]{"engines"}, new String[]{"--help"}, new String[]{"--version"})) {
      Path err = directory.resolve("err.txt");
      Process process = KnowcapProcess.java(Knowcap.class, List.of(), command)
          .redirectOutput(full.toFile())
          .redirectError(err.toFile())
          .start();
      assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      String said = Files.readString(err);
      assertEquals(UserException.FAILURE, process.exitValue(), String.join(" ", command) + ": " + said);
      assertTrue(said.startsWith("knowcap: standard output: ") && said.lines().count() == 1, said);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"s3://bucket/key", "file:///tmp/x", "~/x", "C:\\x", "out ", "", " ", "a\nb"})
  void aPathThatMeansSomethingElseIsRefused(String out) throws Exception {
    Path spec = study(STUDY);
    Set<Path> here = list(Path.of(""));
    for (String command : List.of("run", "generate")) {
      Outcome outcome = InProcess.run(command, spec, "--out", out);
      assertEquals(UserException.USAGE, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err().startsWith("knowcap: Invalid value for option '--out'"), outcome.err());
    }
    assertEquals(here, list(Path.of("")));
    assertEquals(Set.of(spec), list(directory));
  }

  private static Set<Path> list(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.collect(Collectors.toSet());
    }
  }

  /** Makes a folder for reading only, in the view of one process and its children. */
  private static final String READ_ONLY = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";

  /** A command in surroundings of its own. */
  private Outcome run(List<String> before, List<String> flags, List<Object> command) throws Exception {
    ProcessBuilder java = KnowcapProcess.java(Knowcap.class, flags,
        command.stream().map(Object::toString).toArray(String[]::new));
    List<String> words = new ArrayList<>(before);
    words.addAll(java.command());
    Path out = Files.createTempFile(directory, "out", ".txt");
    Path err = Files.createTempFile(directory, "err", ".txt");
    Process process = java.command(words).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    assertTrue(process.waitFor(120, TimeUnit.SECONDS), command.toString());
    return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  /** In every language, without a place for its output, and on a disk that can only be read. */
  @Test
  @Tag("slow")
  void everyCommandGoesByTheBookEverywhere() throws Exception {
    Path study = directory.resolve("study");
    InProcess.train(study(STUDY), study);
    Path run = only(study.resolve("runs"));
    List<List<Object>> commands = List.of(List.of("status", study), List.of("results", study),
        List.of("results", study, "--json"), List.of("curves", study), List.of("report", study),
        List.of("measure", run), List.of("measure", run, "--json"), List.of("models", "gpt2-1-1"),
        List.of("models", "--json"), List.of("engines"), List.of("--help"), List.of("results", "--help"),
        List.of("quantise", run, "--method", "rtn", "--bits", 4), List.of("fit", study),
        List.of("compare", study, study), List.of("export", run, study.resolve("x"), "--to", "nothing"),
        List.of("import", run, "--out", study.resolve("y")));
    List<List<String>> languages = List.of(List.of("-Duser.language=ar", "-Duser.country=EG"),
        List.of("-Duser.language=fa", "-Duser.country=IR"),
        List.of("-Duser.language=de", "-Duser.country=DE"));
    boolean mounts = TimeLimit.start(new ProcessBuilder("env", "unshare", "-rm", "true")).waitFor() == 0;
    int tried = 0;
    for (List<Object> command : commands) {
      Outcome expected = run(List.of(), List.of(), command);
      requireByTheBook(expected, command + " as usual");
      for (List<String> language : languages) {
        Outcome found = run(List.of(), language, command);
        assertEquals(expected.exitCode(), found.exitCode(), command + " " + language + ": " + found);
        assertEquals(expected.out(), found.out(), command + " " + language);
      }
      Outcome ascii = run(List.of("env", "LC_ALL=C"), List.of(), command);
      assertEquals(expected.out(), ascii.out(), command + " LC_ALL=C");
      for (String nowhere : List.of("exec \"$@\" > /dev/full", "exec \"$@\" >&-")) {
        Outcome lost = run(List.of("sh", "-c", nowhere, "sh"), List.of(), command);
        requireByTheBook(lost, command + " " + nowhere);
        assertEquals(expected.exitCode() == 0 ? UserException.FAILURE : expected.exitCode(), lost.exitCode(),
            command + " " + nowhere + ": " + lost);
      }
      if (mounts) {
        Outcome looked = run(List.of("unshare", "-rm", "sh", "-c", READ_ONLY, study.toString()), List.of(),
            command);
        requireByTheBook(looked, command + ", read-only");
        if (List.of("status", "results", "curves", "measure", "models", "engines", "--help")
            .contains(command.getFirst().toString())) {
          assertEquals(0, looked.exitCode(), command + ", read-only: " + looked);
        }
      }
      tried += mounts ? 8 : 7;
    }
    System.out.println("SurroundingsTest: " + tried + " commands" + (mounts ? "" : ", none read-only"));
  }

  private static Path only(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findFirst().orElseThrow();
    }
  }

  private static void requireByTheBook(Outcome outcome, String what) {
    assertTrue(outcome.exitCode() >= 0 && outcome.exitCode() <= UserException.USAGE, what + ": " + outcome);
    assertFalse(outcome.err().contains("\tat ") || outcome.err().contains("internal error"),
        what + ": " + outcome);
    assertEquals(outcome.exitCode() != 0,
        outcome.err().lines().anyMatch(line -> line.startsWith("knowcap: ")), what + ": " + outcome);
  }

  @Test
  void aWordThatNoCommandTakesIsRefusedBesideHelpToo() {
    for (String[] words : List.of(new String[]{"reslts", "--help"}, new String[]{"reslts"},
        new String[]{"results", "--jsn", "x"}, new String[]{"results", "--hepl"})) {
      Outcome outcome = InProcess.run((Object[]) words);
      assertEquals(UserException.USAGE, outcome.exitCode(), outcome.toString());
      assertTrue(outcome.err()
          .contains("Did you mean "
              + (words[0].equals("reslts") ? "results" : words[1].equals("--hepl") ? "--help" : "--json")
              + "?"),
          outcome.err());
      assertFalse(outcome.out().contains("Usage"), outcome.out());
    }
  }

  @Test
  void aHugeValueIsShownInPart() throws Exception {
    Path spec = study(STUDY.replace("name: around", "name: '" + "x y".repeat(30_000) + "'"));
    Outcome outcome = InProcess.run("plan", spec);
    assertEquals(UserException.USAGE, outcome.exitCode());
    assertTrue(outcome.err().length() < 2000 && outcome.err().contains(" ... "), outcome.err());
  }
}
