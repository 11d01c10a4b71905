package org.knowcap.generators.bior.rewriting;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.knowcap.generators.bior.LineLimit;
import org.knowcap.generators.bior.FactFinder;
import org.knowcap.generators.bior.RewrittenLine;
import org.knowcap.generators.bios.BioS;

/**
 * Has a language model write a text for each prompt of a file, and appends usable texts to another file, in the
 * order in which they arrive. Prompts whose text is already in that file are skipped, so a killed run can be
 * continued.
 */
public final class Rewriting {
  private final BioS people;
  private final FactFinder facts;
  private final ChatServer server;
  private final int concurrency;
  private final int asks;

  /** Receives progress, from one thread at a time. */
  public interface Listener {
    /**
     * A prompt has been completed.
     *
     * @param done  number of completed prompts, including those of earlier runs
     * @param tally of this run so far
     */
    void progressed(long done, Tally tally);
  }

  /**
   * The counts of a run.
   *
   * @param kept  number of texts that were added to the file
   * @param again number of unusable answers that were followed by another request, by reason
   * @param lost  number of prompts that were given up, by the fault of their last answer
   */
  public record Tally(long kept, Map<String, Long> again, Map<String, Long> lost) {
    /** The number of prompts that were given up. */
    public long lostPrompts() {
      return lost.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /**
   * @param people      the people that prompts are about
   * @param concurrency requests under way at a time, at least 1
   * @param asks        how often a prompt is sent until its answer can be used, at least 1
   */
  public Rewriting(BioS people, ChatServer server, int concurrency, int asks) {
    this.people = people;
    facts = new FactFinder(people);
    this.server = server;
    this.concurrency = concurrency;
    this.asks = asks;
  }

  /**
   * The number of prompts of a file.
   *
   * @throws RewritingException naming the first line that is not a prompt about these people
   */
  public long count(Path prompts) throws IOException {
    try (BufferedReader lines = lines(prompts)) {
      long count = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        count++;
        Optional<Prompt> prompt = Prompt.parse(line);
        if (prompt.isEmpty() || prompt.get().person() >= people.people()) {
          throw new RewritingException(prompts + ", line " + count
              + (prompt.isEmpty()
                  ? " must be an object with a whole \"person\" and \"draft\" and a string \"prompt\""
                  : " is about person " + prompt.get().person() + ", but there are only " + people.people()
                      + ", from 0 on"));
        }
      }
      return count;
    }
  }

  /** Refuses what is not UTF-8. */
  private static BufferedReader lines(Path prompts) throws IOException {
    return new BufferedReader(
        new InputStreamReader(LineLimit.open(prompts), StandardCharsets.UTF_8.newDecoder()));
  }

  /**
   * Asks for every missing text.
   *
   * @param prompts of {@link #count} lines
   * @param texts   the file to append to; created if it is missing
   * @throws RewritingException if the file has texts, but no usable text about these people, or
   *                                  another process is writing to it
   * @throws ServerException          if the server refuses, or fails too often
   * @throws IOException              if a file cannot be read or written
   */
  public Tally run(Path prompts, Path texts, Listener listener) throws IOException, InterruptedException {
    Ledger ledger = new Ledger(listener);
    try (TextsFile file = new TextsFile(texts, ledger::remember)) {
      if (ledger.earlier > 0 && ledger.texts.isEmpty()) {
        throw new RewritingException(texts + " has " + ledger.earlier
            + " lines, but none that can be used about these people: name another file, or move it away");
      }
      askAll(prompts, file, ledger);
    }
    return ledger.tally();
  }

  private void askAll(Path prompts, TextsFile file, Ledger ledger) throws IOException, InterruptedException {
    AtomicReference<Exception> failure = new AtomicReference<>();
    Semaphore free = new Semaphore(concurrency);
    try (BufferedReader lines = lines(prompts);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      try {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          Prompt prompt = Prompt.parse(line).orElseThrow();
          if (!ledger.take(prompt)) {
            continue;
          }
          free.acquire();
          threads.execute(() -> {
            try {
              ask(prompt, file, ledger);
            } catch (IOException | RuntimeException e) {
              failure.compareAndSet(null, e);
              threads.shutdownNow();
            } catch (InterruptedException e) {
              // Another request has failed, or the whole run is stopped: this one will be made again.
            } finally {
              free.release();
            }
          });
        }
        free.acquire(concurrency);
      } catch (RejectedExecutionException e) {
        // A request has failed, and no more are made.
      } finally {
        threads.shutdownNow();
      }
    }
    if (failure.get() instanceof IOException e) {
      throw e;
    }
    if (failure.get() instanceof RuntimeException e) {
      throw e;
    }
  }

  private void ask(Prompt prompt, TextsFile file, Ledger ledger) throws IOException, InterruptedException {
    String reason = "";
    for (int ask = 0; ask < asks; ask++) {
      if (ask > 0) {
        ledger.again(reason);
      }
      String text = server.answer(prompt.prompt()).strip().replaceAll("\\s+", " ");
      Optional<String> fault = switch (facts.read(prompt.person(), text)) {
        case FactFinder.Fault(String why) -> Optional.of(why);
        case FactFinder.Usable _ -> ledger.isNew(prompt.person(), text)
            ? Optional.empty()
            : Optional.of("repeats an earlier text about the same person");
      };
      if (fault.isEmpty()) {
        file.append(new RewrittenLine(prompt.person(), prompt.draft(), server.model(), text).line());
        ledger.kept();
        return;
      }
      reason = fault.get();
    }
    ledger.lost(reason);
  }

  /** The texts that exist, and the counts of this run. */
  private final class Ledger {
    private final Listener listener;
    /** For each draft, the people whose text exists or is under way. */
    private final Map<Long, BitSet> taken = new HashMap<>();
    /** For each text, the person and the text's hash. */
    private final Set<Long> texts = new HashSet<>();
    private final Map<String, Long> again = new TreeMap<>();
    private final Map<String, Long> lost = new TreeMap<>();
    private long earlier;
    private long done;
    private long kept;

    Ledger(Listener listener) {
      this.listener = listener;
    }

    /** Notes a line that is already in the file of texts. */
    void remember(String line) {
      earlier++;
      RewrittenLine.parse(line)
          .filter(text -> text.person() < people.people()
              && facts.read(text.person(), text.text()) instanceof FactFinder.Usable)
          .ifPresent(text -> {
            isNew(text.person(), text.text());
            taken.computeIfAbsent(text.draft(), _ -> new BitSet()).set((int) text.person());
          });
    }

    /** Reserves a prompt; false if its text exists or is under way. */
    synchronized boolean take(Prompt prompt) {
      BitSet persons = taken.computeIfAbsent(prompt.draft(), _ -> new BitSet());
      if (persons.get((int) prompt.person())) {
        done++;
        listener.progressed(done, tally());
        return false;
      }
      persons.set((int) prompt.person());
      return true;
    }

    /** Adds a text to the known ones; false if it was known. */
    synchronized boolean isNew(long person, String text) {
      return texts.add(person << Integer.SIZE | Integer.toUnsignedLong(text.strip().hashCode()));
    }

    synchronized void kept() {
      kept++;
      done++;
      listener.progressed(done, tally());
    }

    synchronized void again(String reason) {
      again.merge(reason, 1L, Long::sum);
    }

    synchronized void lost(String reason) {
      lost.merge(reason, 1L, Long::sum);
      done++;
      listener.progressed(done, tally());
    }

    synchronized Tally tally() {
      return new Tally(kept, new TreeMap<>(again), new TreeMap<>(lost));
    }
  }
}
