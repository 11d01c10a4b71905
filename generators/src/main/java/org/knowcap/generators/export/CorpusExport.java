package org.knowcap.generators.export;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.files.FileFailure;
import org.knowcap.files.Sha256;
import org.knowcap.files.WholeFile;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.export.Manifest.Entry;

/**
 * Writes a corpus to a directory of files, or compares such a directory with what it should contain.
 *
 * <p>Each file is written under a temporary name and then renamed. {@code manifest.json} is written last: an
 * export that has it is complete. An interrupted export can be continued; finished files are kept.
 */
public final class CorpusExport {
  private static final int BUFFER_BYTES = 1 << 16;

  /** Receives the progress of an export. */
  public interface Progress {
    /** Says that {@code done} of {@code all} files are complete. */
    void files(int done, int all);
  }

  /** Has files written, by threads of this process or by other processes. */
  public interface Writers {
    /**
     * Has files of an export written, in any order.
     *
     * @param directory of the export
     * @param names of the files
     * @param written hears of each, on the calling thread
     */
    void write(Path directory, List<String> names, Written written) throws IOException;
  }

  /** Hears of files that are written. */
  public interface Written {
    void file(String name, Entry entry) throws IOException;
  }

  /** Work on one file, on any thread. */
  private interface Task<T> {
    T on(PlannedFile file) throws IOException;
  }

  private final Manifest manifest;
  private final List<PlannedFile> files;

  /**
   * @param corpus   what to write
   * @param settings formats, exposures and sizes
   * @throws ExportException if the corpus cannot be written like this
   */
  public CorpusExport(Corpus corpus, ExportSettings settings) {
    ExportPlan plan = new ExportPlan(corpus, settings);
    files = plan.files();
    manifest = Manifest.of(plan.header());
  }

  /** The number of files, not counting the manifest. */
  public int files() {
    return files.size();
  }

  /**
   * Writes the files that are missing.
   *
   * @param directory new, or empty, or with an export of this corpus and these settings
   * @param recipe    whatever the caller needs to make the corpus again, as JSON values; goes into the manifest
   * @param writers   whoever writes the files
   * @return the number of files that were written
   * @throws ExportException if something else is in the directory
   * @throws IOException              if it cannot be written; the message says where and why
   */
  public int write(Path directory, Map<String, Object> recipe, Writers writers, Progress progress)
      throws IOException {
    check(directory);
    Map<PlannedFile, Entry> finished = new HashMap<>();
    try {
      Files.createDirectories(directory);
      try (Journal journal = Journal.open(directory)) {
        // Once more: another process may have been here before this one had the directory for itself.
        check(directory);
        journal.manifest().ifPresent(begun -> checkSame(directory, begun));
        finished.putAll(finished(directory, journal));
        if (journal.manifest().isEmpty()) {
          journal.begin(manifest);
        }
        Map<String, PlannedFile> missing = new LinkedHashMap<>();
        files.stream()
            .filter(file -> !finished.containsKey(file))
            .forEach(file -> missing.put(file.name(), file));
        deleteUnfinished(directory);
        if (!missing.isEmpty()) {
          writers.write(directory, List.copyOf(missing.keySet()), (name, entry) -> {
            PlannedFile file = missing.get(name);
            journal.add(file, entry);
            finished.put(file, entry);
            progress.files(finished.size(), files.size());
          });
        }
        deleteUnfinished(directory);
        Map<PlannedFile, Entry> inOrder = new LinkedHashMap<>();
        files.forEach(file -> inOrder.put(file, finished.get(file)));
        write(directory, new PlannedFile(Manifest.NAME, Map.of(), "", out -> {
          out.write(manifest.complete(recipe, inOrder));
          return 0;
        }));
        journal.delete();
        return missing.size();
      }
    } catch (IOException e) {
      throw new IOException(
          "cannot write the corpus to " + directory + ": " + FileFailure.describe(e) + "; " + finished.size()
              + " of " + files.size() + " files are finished, and the same command goes on from there",
          e);
    }
  }

  private void check(Path directory) throws IOException {
    if (Files.notExists(directory)) {
      return;
    }
    if (!Files.isDirectory(directory)) {
      throw new ExportException(directory + " is a file: name a new or an empty directory");
    }
    Set<String> names;
    try (Stream<Path> entries = Files.list(directory)) {
      names = entries.map(entry -> entry.getFileName().toString()).collect(Collectors.toSet());
    }
    if (names.contains(Manifest.NAME)) {
      checkSame(directory, Manifest.read(directory));
    } else if (!names.isEmpty() && !names.contains(Journal.NAME)) {
      throw new ExportException(
          directory + " is not empty and holds no " + Manifest.NAME + ": name a new or an empty directory");
    }
  }

  private void checkSame(Path directory, Manifest found) {
    found.difference(manifest, false).ifPresent(difference -> {
      throw new ExportException(
          directory + " holds another export: its " + difference + "; name a new or an empty directory");
    });
  }

  /** The files that exist with their full size. */
  private Map<PlannedFile, Entry> finished(Path directory, Journal journal) throws IOException {
    Optional<Manifest> complete = Files.exists(directory.resolve(Manifest.NAME))
        ? Optional.of(Manifest.read(directory))
        : Optional.empty();
    Map<PlannedFile, Entry> finished = new HashMap<>();
    for (PlannedFile file : files) {
      Optional<Entry> entry = complete.flatMap(all -> all.entry(file)).or(() -> journal.entry(file));
      Path place = directory.resolve(file.name());
      if (entry.isPresent() && Files.exists(place) && Files.size(place) == entry.get().bytes()) {
        finished.put(file, entry.get());
      }
    }
    return finished;
  }

  /** Threads of this process that write files. */
  public Writers threads(int threads) {
    return (directory, names, written) -> forEach(names.stream().map(this::named).toList(), threads,
        file -> write(directory, file), (file, entry) -> written.file(file.name(), entry));
  }

  /**
   * Writes one file of an export that another process has begun.
   *
   * @return what the manifest will say of it
   * @throws ExportException if this is not the export that is being written there, or has no such file
   * @throws IOException if the file cannot be written
   */
  public Entry writeFile(Path directory, String name) throws IOException {
    checkSame(directory, Journal.begun(directory));
    return write(directory, named(name));
  }

  private PlannedFile named(String name) {
    return files.stream()
        .filter(file -> file.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new ExportException("this export has no file " + name));
  }

  private static Entry write(Path directory, PlannedFile file) throws IOException {
    Path target = directory.resolve(file.name());
    MessageDigest digest = Sha256.digest();
    long[] count = new long[1];
    // Under a random name: on a cluster a process that was given up may still write the same file.
    WholeFile.make(target, aside -> {
      try (OutputStream out = new BufferedOutputStream(
          new DigestOutputStream(Files.newOutputStream(aside), digest), BUFFER_BYTES)) {
        count[0] = file.content().writeTo(out);
      }
    });
    return new Entry(count[0], Files.size(target), Sha256.hex(digest));
  }

  /** Deletes what killed processes have left; if one still writes there, its rename fails. */
  private void deleteUnfinished(Path directory) throws IOException {
    for (Path folder : files.stream()
        .map(file -> directory.resolve(file.name()).resolveSibling(""))
        .distinct()
        .filter(Files::isDirectory)
        .toList()) {
      WholeFile.deleteUnfinished(folder);
    }
  }

  /**
   * Makes every file again without writing it, and compares it with the existing one.
   *
   * @return the faults, one line each: files that are missing, changed or not part of the export, and wrong
   *         entries of the manifest; empty if there are none
   * @throws ExportException if the directory holds no export, or one of another corpus
   * @throws IOException              if a file cannot be read
   */
  public List<String> verify(Path directory, int threads, Progress progress) throws IOException {
    Manifest found = Manifest.read(directory);
    if (!found.digest().equals(manifest.digest())) {
      throw new ExportException(directory + " cannot be made again: the corpus has the digest "
          + manifest.digest() + " now, but " + found.digest()
          + " when it was written; its lists have changed since, or Knowcap (it was version "
          + found.version() + ", this is " + Manifest.currentVersion() + ")");
    }
    Map<PlannedFile, List<String>> wrong = new HashMap<>();
    forEach(files, threads, file -> Comparison.of(directory, file, found.entry(file)), (file, findings) -> {
      wrong.put(file, findings);
      progress.files(wrong.size(), files.size());
    });
    List<String> all = new ArrayList<>();
    found.difference(manifest, true).ifPresent(difference -> all.add(Manifest.NAME + ": " + difference));
    files.forEach(file -> all.addAll(wrong.get(file)));
    all.addAll(strangers(directory));
    return List.copyOf(all);
  }

  /** Files in the export's folders that are not part of it; a program that reads a whole folder would read them. */
  private List<String> strangers(Path directory) throws IOException {
    Set<Path> own = files.stream().map(file -> directory.resolve(file.name())).collect(Collectors.toSet());
    List<String> strangers = new ArrayList<>();
    for (Path folder : own.stream().map(Path::getParent).distinct().sorted().toList()) {
      if (!folder.equals(directory) && Files.isDirectory(folder)) {
        try (Stream<Path> entries = Files.list(folder)) {
          entries.filter(entry -> !own.contains(entry))
              .sorted()
              .forEach(entry -> strangers.add(directory.relativize(entry) + " is not part of the export"));
        }
      }
    }
    return strangers;
  }

  /** Takes the result for a file, on the calling thread. */
  private interface Receiver<T> {
    void accept(PlannedFile file, T result) throws IOException;
  }

  /** Runs a task for each file, several at a time, and stops at the first failure. */
  private static <T> void forEach(List<PlannedFile> files, int threads, Task<T> task, Receiver<T> receiver)
      throws IOException {
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      CompletionService<Map.Entry<PlannedFile, T>> results = new ExecutorCompletionService<>(pool);
      files.forEach(file -> results.submit(() -> Map.entry(file, task.on(file))));
      try {
        for (int i = 0; i < files.size(); i++) {
          Map.Entry<PlannedFile, T> result = results.take().get();
          receiver.accept(result.getKey(), result.getValue());
        }
      } finally {
        pool.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException failed -> throw failed;
        case RuntimeException failed -> throw failed;
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }
}
