package org.knowcap.experiments.measure;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Has a model go on with texts, each time by its most likely token. A forward pass says that token for every place of a
 * window; so each text is drafted ahead, and all tokens up to the first that the model would have said otherwise are taken at
 * once. The texts are those of one token a pass, for models whose predictions depend on no later token.
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
   * A text to go on with.
   *
   * @param start what is given; nothing is written behind one that is longer than a window
   * @param draft a text of the kind that is expected; any will do
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

    /** Takes what the model says in place of the draft from the first difference on; whether the text has ended. */
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

  /** The texts, each with its start, without the end-of-text token behind it; cut off where a window ends. */
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

  /** The next text to go on with; one that already fills its window is finished. */
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

  /** Forward passes that were needed up to here. */
  long passes() {
    return passes;
  }
}
