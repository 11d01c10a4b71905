package org.knowcap.experiments.measure;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Lets a model continue texts by greedy decoding, always with its most likely token. A forward pass gives that token
 * for every position of a window. So each text is drafted ahead, and all drafted tokens up to the first that differs
 * from the prediction are taken at once (speculative decoding). The result equals decoding one token a pass, for
 * models whose predictions do not depend on later tokens.
 */
final class GreedyWriter {
  private final Predictor predictor;
  private final int windows;
  private final int length;
  private final int eos;
  private final Drafts all = new Drafts();
  private long passes;

  /**
   * @param predictor of batches of {@code windows} windows of {@code length} tokens
   * @param eos the token that begins and ends texts
   */
  GreedyWriter(Predictor predictor, int windows, int length, int eos) {
    this.predictor = predictor;
    this.windows = windows;
    this.length = length;
    this.eos = eos;
  }

  /**
   * A text to continue.
   *
   * @param start the given tokens; nothing is written after a start that is longer than a window
   * @param draft a text of the kind that is expected; any text is allowed
   */
  record Start(int[] start, int[] draft) {}

  /** A text in a window of the batch. */
  private final class Text {
    private final int number;
    private final int[] tokens = new int[length + 1];
    private final Drafts own = new Drafts();
    private int known;
    private int drafted;

    Text(int number, Start start) {
      this.number = number;
      System.arraycopy(start.start, 0, tokens, 0, start.start.length);
      known = start.start.length;
      own.learn(start.draft, start.draft.length);
    }

    void draft() {
      drafted = all.guess(tokens, known, length, own, eos);
    }

    /**
     * Replaces the draft by the prediction at the first difference, and drops the rest; returns whether the text has
     * ended.
     */
    boolean take(int[] predictions, int window) {
      while (true) {
        int token = predictions[window * length + known - 1];
        if (token == eos) {
          return true;
        }
        boolean asDrafted = known < drafted && tokens[known] == token;
        tokens[known++] = token;
        if (known > length) {
          return true;
        }
        if (!asDrafted) {
          return false;
        }
      }
    }
  }

  /**
   * The texts, each with its start and without the end-of-text token after it; a text is cut off at the end of its
   * window.
   */
  List<int[]> write(List<Start> starts) {
    List<int[]> written = new ArrayList<>(Collections.nCopies(starts.size(), new int[0]));
    Deque<Integer> waiting = new ArrayDeque<>();
    for (int i = 0; i < starts.size(); i++) {
      waiting.add(i);
    }
    List<Optional<Text>> rows = new ArrayList<>(Collections.nCopies(windows, Optional.empty()));
    int[] tokens = new int[windows * length];
    int[] predictions = new int[windows * length];
    while (true) {
      Arrays.fill(tokens, eos);
      boolean any = false;
      for (int row = 0; row < windows; row++) {
        if (rows.get(row).isEmpty()) {
          rows.set(row, next(starts, waiting, written));
        }
        if (rows.get(row).isPresent()) {
          Text text = rows.get(row).get();
          text.draft();
          System.arraycopy(text.tokens, 0, tokens, row * length, text.drafted);
          any = true;
        }
      }
      if (!any) {
        return written;
      }
      predictor.predict(tokens, predictions);
      passes++;
      for (int row = 0; row < windows; row++) {
        if (rows.get(row).isPresent()) {
          Text text = rows.get(row).get();
          if (text.take(predictions, row)) {
            written.set(text.number, Arrays.copyOf(text.tokens, text.known));
            all.learn(text.tokens, text.known);
            rows.set(row, Optional.empty());
          }
        }
      }
    }
  }

  /** The next text to continue; a text that already fills its window is finished. */
  private Optional<Text> next(List<Start> starts, Deque<Integer> waiting, List<int[]> written) {
    while (!waiting.isEmpty()) {
      int number = waiting.remove();
      int[] start = starts.get(number).start;
      if (start.length <= length) {
        return Optional.of(new Text(number, starts.get(number)));
      }
      written.set(number, start);
    }
    return Optional.empty();
  }

  /** Number of forward passes so far. */
  long passes() {
    return passes;
  }
}
