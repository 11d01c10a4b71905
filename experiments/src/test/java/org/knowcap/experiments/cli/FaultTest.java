package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.UserException;
import org.knowcap.testing.TestSeed;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Whose fault it is that a command ends. */
class FaultTest {
  @Command(name = "fault")
  private record Fault(Throwable thrown) implements Callable<Integer> {
    @Override
    public Integer call() {
      if (thrown instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) thrown;
    }
  }

  private record Ended(int exitCode, String err) {}

  private static Ended run(Throwable thrown) {
    StringWriter err = new StringWriter();
    CommandLine line = Knowcap.commandLine();
    line.addSubcommand(new Fault(thrown)).setErr(new PrintWriter(err, true));
    return new Ended(line.execute("fault"), err.toString());
  }

  @Test
  void anInternalFaultIsShownAsOneWithItsTrace() {
    for (RuntimeException fault : List.of(new IllegalArgumentException("no such tensor"),
        new IllegalStateException("no such state"), new IndexOutOfBoundsException(3))) {
      Ended ended = run(fault);
      assertEquals(UserException.FAILURE, ended.exitCode);
      for (String part : List.of("internal error", "not of your input", "report it", "commit ",
          fault.toString(), "at org.knowcap.experiments.cli.FaultTest")) {
        assertTrue(ended.err.contains(part), () -> "'" + part + "' is not in: " + ended.err);
      }
    }
  }

  @Test
  void aFaultOfTheUsersIsALineWithoutATrace() {
    Ended ended = run(UserException.usage("study.yaml: 'seeds' must be a whole number, found 'one'"));
    assertEquals(UserException.USAGE, ended.exitCode);
    assertEquals("knowcap: study.yaml: 'seeds' must be a whole number, found 'one'\n", ended.err);
    assertFalse(ended.err.contains("internal"));
  }

  @Test
  void aMisspeltOptionOfAnyCommandIsFollowedByTheRightOne() {
    int commands = misspell(Knowcap.commandLine(), List.of(), new Random(TestSeed.value()));
    assertTrue(commands > 25, "commands: " + commands);
  }

  /** The last two letters of an option change places, and nothing else is given that the command needs. */
  private static int misspell(CommandLine command, List<String> words, Random random) {
    List<String> options = command.getCommandSpec()
        .optionsMap()
        .keySet()
        .stream()
        .filter(name -> name.matches("--.*(.)(?!\\1)."))
        .toList();
    String option = options.get(random.nextInt(options.size()));
    int last = option.length() - 1;
    String misspelt = option.substring(0, last - 1) + option.charAt(last) + option.charAt(last - 1);
    List<Object> line = new ArrayList<>(words);
    line.add(random.nextBoolean() ? misspelt : misspelt + "=1");
    Outcome ended = InProcess.run(line.toArray());
    assertEquals(UserException.USAGE, ended.exitCode(), line + ": " + ended);
    assertTrue(
        ended.err().contains("Unknown option: '" + misspelt) && ended.err().contains("mean " + option + "?"),
        line + ": " + ended.err());
    int commands = 1;
    for (Map.Entry<String, CommandLine> each : command.getSubcommands().entrySet()) {
      commands += misspell(each.getValue(), Stream.concat(words.stream(), Stream.of(each.getKey())).toList(),
          random);
    }
    return commands;
  }

  @Test
  void aMemoryThatIsFullIsALineWithoutATrace() {
    Ended ended = run(new OutOfMemoryError("Java heap space"));
    assertEquals(UserException.FAILURE, ended.exitCode);
    assertTrue(ended.err.startsWith("knowcap: out of memory (Java heap space): ")
        && ended.err.contains("KNOWCAP_JAVA_OPTS") && ended.err.lines().count() == 1, ended.err);
  }

  @Test
  void whatAConstructorRefusesOfTheUsersInputIsTheUsersFault() {
    UserException refused = org.junit.jupiter.api.Assertions.assertThrows(UserException.class,
        () -> UserException.judged(() -> Integer.parseInt("one")));
    assertEquals(UserException.USAGE, refused.exitCode());
    assertTrue(refused.getMessage().contains("\"one\""), refused.getMessage());
  }
}
