#!/bin/sh
# picocli accepts a command that does not exist if --help or --version stands behind it, and the program ends with exit code 0.
#
# Seen with info.picocli:picocli 4.7.7 on JDK 25: of a program with the one subcommand "results",
#     tool reslts            is refused: "Unmatched argument ... Did you mean: tool results?", exit code 2
#     tool reslts --help     prints the help of the whole program, exit code 0
# Options of mixinStandardHelpOptions turn off the check of required and unmatched arguments for the whole command line, not only
# for the command that they belong to. Whoever asks for the help of a misspelt command is shown another help without a
# word, and a script that tests for a command by "tool COMMAND --help" finds every command. ParseResult.unmatched() still has
# the word, so an execution strategy can refuse it.
#
# Needs Maven and a JDK of at least 17. Exit code 0 if this is still so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>help</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>info.picocli</groupId>
      <artifactId>picocli</artifactId>
      <version>4.7.7</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=jars
cat > Tool.java <<'JAVA'
import picocli.CommandLine;
import picocli.CommandLine.Command;

@Command(name = "tool", mixinStandardHelpOptions = true, subcommands = Tool.Results.class)
class Tool implements Runnable {
  @Command(name = "results", mixinStandardHelpOptions = true)
  static class Results implements Runnable {
    @Override
    public void run() {}
  }

  @Override
  public void run() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Tool()).execute(arguments));
  }
}
JAVA
code() {
  status=0
  java -cp 'jars/*' Tool.java "$@" > said 2>&1 || status=$?
  echo "tool $*: exit code $status, $(head -n 1 said)"
}
{ code reslts; code reslts --help; code results --help; } | tee seen
cat > expected <<'SEEN'
tool reslts: exit code 2, Unmatched argument at index 0: 'reslts'
tool reslts --help: exit code 0, Usage: tool [-hV] [COMMAND]
tool results --help: exit code 0, Usage: tool results [-hV]
SEEN
diff expected seen
