package org.knowcap.experiments.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.models.engine.Engine;

/** Says where a result comes from: code, libraries, machine, corpus. */
public final class Provenances {
  private Provenances() {}

  /** Everything but the time that could change a result of this run. */
  static Map<String, String> of(Engine engine, int threads, Corpus corpus) {
    Map<String, String> entries = new LinkedHashMap<>();
    entries.put("knowcap", version());
    entries.put("commit", commit());
    entries.put("engine", engine.description());
    entries.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    entries.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    entries.put("processor", processor());
    entries.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
    entries.put("threads", Integer.toString(threads));
    entries.put("corpus digest", corpus.digest());
    entries.put("finished", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    return entries;
  }

  /** Version of this build. */
  public static String version() {
    return git().getProperty("git.build.version", "unknown");
  }

  /** Commit of this build, and whether the sources had been changed since. */
  public static String commit() {
    Properties git = git();
    String commit = git.getProperty("git.commit.id.full", git.getProperty("git.commit.id", "unknown"));
    return Boolean.parseBoolean(git.getProperty("git.dirty")) ? commit + " with changes" : commit;
  }

  private static Properties git() {
    Properties properties = new Properties();
    try (InputStream in = Provenances.class.getResourceAsStream("/git.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      // A build without git has no such resource: its commit is unknown.
    }
    return properties;
  }

  public static String processor() {
    Path file = Path.of("/proc/cpuinfo");
    try (var lines = Files.lines(file)) {
      return lines.filter(line -> line.startsWith("model name"))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .orElse(System.getProperty("os.arch"));
    } catch (IOException | java.io.UncheckedIOException e) {
      return System.getProperty("os.arch");
    }
  }
}
