package org.knowcap.generators.corpus;
import java.util.List;
import java.util.Map;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.mixture.Mixture;
import org.knowcap.generators.mixture.RevisedCorpus;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * A corpus is a function, not a file: its texts and their order follow from its parameters alone. The simplest
 * corpus is one {@link Source}; others mix several. {@link WindowReader} reads the tokens to train on. Instances
 * are immutable, and threads may share them.
 *
 * <p>In a corpus of several sources, people, bits, values and measuring items are those of the first.
 */
public interface Corpus {

  /** As in "bioS(200)". */
  String name();

  /** N. */
  long people();

  /** What all randomness follows from. */
  long seed();

  /** The tokens that can occur. */
  Vocabulary vocabulary();

  /** What there is to know. */
  BitContent bits();

  /** No item has more tokens than this. */
  int longestItem();

  /**
   * The number of joints between pieces of text that GPT-2's own encoding would merge into one token.
   * Pieces are encoded apart, so spans are exact in any case; at 0 the tokens are GPT-2's own.
   */
  int mergingJoints();

  /**
   * Everything that defines the corpus, but for the entries of its lists: plain numbers, strings, and lists
   * and maps of them.
   */
  Map<String, Object> parameters();

  /** SHA-256, in hex, of {@link #parameters()} and every list in force: equal digests, equal corpora. */
  String digest();

  /** What is true of a person, in words, as it stands in texts; a name includes all its parts. */
  Map<Attribute, String> values(long person);

  /**
   * An item for measuring. A sentence that would give another's value away comes after it, or is counted
   * with it; what all texts of the source begin with in training is there too.
   *
   * @param person 0..N-1
   * @param draw   which of the many texts about the person, 0 or more; never one drawn for the training
   *               stream, unless there is but one
   */
  AnnotatedItem measuringItem(long person, long draw);

  /** The exact expectation of the length, in tokens, of a stream with so many exposures of every person. */
  double tokens(long exposures);

  /** Where the windows are cut from: a source alone is its own. */
  List<Source> sources();

  /**
   * Which of {@link #sources()} window number {@code window} of the training stream is cut from, if windows
   * have {@code length} tokens.
   */
  int sourceOf(long window, int length);

  /** The expectation of how many items of one of {@link #sources()} such a stream tells. */
  double items(int source, long exposures);

  /** What else to ask of a model that has learnt this. */
  default List<SideMeasurement> sideMeasurements() {
    return List.of();
  }
}
