package org.knowcap.generators.bior.rewriting;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
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
import org.knowcap.generators.bior.FactFinder;
import org.knowcap.generators.bior.RewrittenLine;
import org.knowcap.generators.bios.BioS;

/**
 * Has a language model write a text for each prompt of a file, and adds those that can be used to another
 * file, in the order in which they come. Prompts whose text is in that file already are not asked again, so
 * a killed run goes on where it stopped.
 */
public final class Rewriting {
  private final BioS people;
  private final FactFinder mentions;
  private final ChatServer server;
  private final int concurrency;
  private final int asks;

  /** Hears how it goes, from one thread at a time. */
  public interface Listener {
    /**
     * @param done  prompts that are through, those of earlier runs included
     * @param tally what this run has come to so far
     */
    void progressed(long done, Tally tally);
  }

  /**
   * What a run has come to.
   *
   * @param kept  texts that were added to the file
   * @param again answers that were of no use and asked for again, by reason
   * @param lost  prompts that were given up, by the reason why their last answer was of no use
   */
  public record Tally(long kept, Map<String, Long> again, Map<String, Long> lost) {
    /** Prompts that were given up. */
    public long lostPrompts() {
      return lost.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /**
   * @param people      whom prompts are about
   * @param concurrency requests under way at a time, at least 1
   * @param asks        how often a prompt is sent until its answer can be used, at least 1
   */
  public Rewriting(BioS people, ChatServer server, int concurrency, int asks) {
    this.people = people;
    mentions = new FactFinder(people);
    this.server = server;
    this.concurrency = concurrency;
    this.asks = asks;
  }

  /**
   * The number of prompts of a file.
   *
   * @throws RewritingException naming the first line that is none, or about nobody of the people
   */
  public long count(Path prompts) throws IOException {
    try (BufferedReader lines = Files.newBufferedReader(prompts)) {
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

  /**
   * Asks for every text that is not there yet.
   *
   * @param prompts of {@link #count} lines
   * @param texts   added to; made if it is not there
   * @throws RewritingException if there are texts in the file, but none that can be used about these
   *                                  people, or another process is writing to it
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
    try (BufferedReader lines = Files.newBufferedReader(prompts);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      try {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          Prompt prompt = Prompt.parse(line).orElseThrow();
          if (!ledger.take(prompt)) {
            continue;
          }
          free.acquire();
          threads.submit(() -> {
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
      Optional<String> fault = switch (mentions.read(prompt.person(), text)) {
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

  /** What is there already, and how it goes. */
  private final class Ledger {
    private final Listener listener;
    /** By draft: whom there is such a text of, or soon will be. */
    private final Map<Long, BitSet> taken = new HashMap<>();
    /** Of each text, the person and the text's hash. */
    private final Set<Long> texts = new HashSet<>();
    private final Map<String, Long> again = new TreeMap<>();
    private final Map<String, Long> lost = new TreeMap<>();
    private long earlier;
    private long done;
    private long kept;

    Ledger(Listener listener) {
      this.listener = listener;
    }

    /** Takes note of a line that was in the file of texts before. */
    void remember(String line) {
      earlier++;
      RewrittenLine.parse(line)
          .filter(text -> text.person() < people.people()
              && mentions.read(text.person(), text.text()) instanceof FactFinder.Usable)
          .ifPresent(text -> {
            isNew(text.person(), text.text());
            taken.computeIfAbsent(text.draft(), _ -> new BitSet()).set((int) text.person());
          });
    }

    /** Whether there is no text for a prompt yet, and none under way. */
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

    /** Whether a text is not one of those that there are; from now on it is. */
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
