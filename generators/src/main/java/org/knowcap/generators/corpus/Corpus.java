package org.knowcap.generators.corpus;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.files.Sha256;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * A corpus has two sides: the source whose knowledge is measured, and the training stream. A corpus is a
 * function, not a file: its texts and their order follow from its parameters alone.
 *
 * <p>The simplest corpus is one {@link Source}, which is both measured and streamed. Other corpora combine
 * several sources. Instances are immutable, and threads may share them.
 */
public interface Corpus {

  /** The source whose people, bits and values are measured. */
  Source measured();

  /** The windows to train on; {@link WindowReader} reads their tokens. */
  TrainingStream stream();

  /** Measurements beside that of {@link #measured()}; most corpora have none. */
  default List<SideMeasurement> sideMeasurements() {
    return List.of();
  }

  /**
   * People like those who are measured, whom the training stream never shows: what a model knows of them is chance.
   *
   * @param most how many, if there are as many; at least 1
   * @return empty where there are none
   */
  default Optional<Source> strangers(long most) {
    return Optional.empty();
  }

  /** Questions about the people; most corpora have none. */
  default Optional<Questions> questions() {
    return Optional.empty();
  }

  /**
   * This corpus for a training of some length: where other texts follow when the people's exposures are complete, this says
   * when. The same corpus for most.
   *
   * @param exposures how often each person whose exposures count occurs
   */
  default Corpus forExposures(double exposures) {
    return this;
  }

  /**
   * Everything that defines the corpus except the entries of its lists. The values are numbers, strings, and
   * lists and maps of these.
   */
  Map<String, Object> parameters();

  /** SHA-256, in hex, of {@link #parameters()} and every list in force. Corpora of equal digests are equal. */
  default String digest() {
    return Sha256.of(parameters() + "\n"
        + stream().sources().stream().map(Source::digest).collect(Collectors.joining("\n")));
  }

  /** A name for people, such as "bioS(200)". */
  default String name() {
    return measured().name();
  }

  /** The people, what is true of them, and their measuring items are drawn from this seed. */
  default long seed() {
    return measured().seed();
  }

  /** The tokens that can occur; all sources use it. */
  default Vocabulary vocabulary() {
    return measured().vocabulary();
  }

  /** An upper bound on the number of tokens of an item of any source. */
  default int longestItem() {
    return stream().sources().stream().mapToInt(Source::longestItem).max().orElseThrow();
  }

  /**
   * Checks that a training window can hold every text that is measured. A measured text is scored whole; if
   * training only ever saw parts of it, the measurement would use positions and distances that the model was
   * not trained on.
   *
   * @param contextLength tokens of a training window
   * @throws IllegalArgumentException if a text may have more tokens, and the source needs whole texts
   */
  default void checkContextLength(int contextLength) {
    Source source = measured();
    if (source.needsWholeTexts() && source.longestItem() > contextLength) {
      throw new IllegalArgumentException("a text of " + source.name() + " has up to " + source.longestItem()
          + " tokens and is measured whole, but the context length is " + contextLength
          + ": training would never see it whole; raise the context length, or shorten the texts");
    }
  }
}
