package org.knowcap.generators.mixture;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.generators.bits.BitContent;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Digests;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.mixture.Mixture.Ingredient;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.people.Revision;
import org.knowcap.generators.tokens.Vocabulary;

/**
 * Knowledge that changes: a stream of everybody as they were, then one of those whom a revision has changed,
 * mixed with as many windows of the others as are asked for.
 *
 * <p>What is measured is everybody as they are in the end; {@link #sideMeasurements} tell apart what is new, what is
 * out of date, and what has stayed. Exposures are those of the changed people, after the change.
 */
public final class RevisedCorpus implements Corpus {
  private final GeneratedSource<?> revised;
  private final Revision revision;
  private final GeneratedSource<?> original;
  private final long before;
  private final double replay;
  private final double tokensBefore;
  private final Corpus after;
  private final List<Source> sources;

  /**
   * @param original people before the change
   * @param revision the change
   * @param before   exposures of everybody before it, at least 1
   * @param replay   share, below 1, of the windows after the change that are about those who stay as they were
   * @throws IllegalArgumentException if the revision changes nobody or what cannot be changed, or the share is
   *                                  out of range, or there is a share but nobody stays as they were
   */
  public RevisedCorpus(GeneratedSource<?> original, Revision revision, long before, double replay) {
    if (before < 1) {
      throw new IllegalArgumentException("exposures before the change must be 1 or more, found " + before);
    }
    if (!(replay >= 0 && replay < 1)) {
      throw new IllegalArgumentException("replay must be a share from 0 to below 1, found " + replay);
    }
    this.revision = revision;
    this.before = before;
    this.replay = replay;
    revised = original.revised(revision);
    this.original = revised.before();
    tokensBefore = this.original.tokens(before);
    if (replay > 0 && revised.changed().people() == revised.people()) {
      throw new IllegalArgumentException(
          "there is nobody to replay: a share of " + revision.share() + " changes everybody");
    }
    after = replay == 0
        ? revised.changed()
        : new Mixture(original.seed(), List.of(new Ingredient(revised.changed(), 1 - replay, ""),
            new Ingredient(revised.unchanged(), replay, "")));
    sources = Stream.concat(Stream.<Source>of(this.original), after.sources().stream()).toList();
  }

  @Override
  public String name() {
    return revised.name();
  }

  @Override
  public long people() {
    return revised.people();
  }

  @Override
  public long seed() {
    return revised.seed();
  }

  @Override
  public Vocabulary vocabulary() {
    return revised.vocabulary();
  }

  @Override
  public BitContent bits() {
    return revised.bits();
  }

  @Override
  public int longestItem() {
    return revised.longestItem();
  }

  @Override
  public int mergingJoints() {
    return revised.mergingJoints();
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "revised");
    parameters.put("of", revised.parameters());
    parameters.put("before", before);
    parameters.put("replay", replay);
    return parameters;
  }

  @Override
  public String digest() {
    return Digests
        .sha256(parameters() + "\n" + sources.stream().map(Source::digest).collect(Collectors.joining("\n")));
  }

  @Override
  public Map<Attribute, String> values(long person) {
    return revised.values(person);
  }

  @Override
  public AnnotatedItem measuringItem(long person, long draw) {
    return revised.measuringItem(person, draw);
  }

  /** What was told before the change is among them. */
  @Override
  public double tokens(long exposures) {
    return tokensBefore + after.tokens(exposures);
  }

  @Override
  public List<Source> sources() {
    return sources;
  }

  @Override
  public double items(int source, long exposures) {
    return source == 0 ? original.items(0, before) : after.items(source - 1, exposures);
  }

  @Override
  public int sourceOf(long window, int length) {
    long first = (long) Math.ceil(tokensBefore / length);
    return window < first ? 0 : 1 + after.sourceOf(window - first, length);
  }

  /**
   * Of the revised attributes: "new values" and "old values" of those who changed, and "unchanged values" of
   * those who did not, if there are any.
   */
  @Override
  public List<SideMeasurement> sideMeasurements() {
    Set<Attribute> told = new HashSet<>(revision.attributes());
    if (told.contains(Attribute.EMPLOYER)) {
      // Where a city comes before its employer, it counts as a part of it.
      told.add(Attribute.EMPLOYER_CITY);
    }
    double bits = revised.uniformBits(List.copyOf(revision.attributes()));
    GeneratedSource<?> changed = revised.changed();
    List<SideMeasurement> questions = new ArrayList<>(
        List.of(new SideMeasurement("new values", changed, told, bits),
            new SideMeasurement("old values", changed.before(), told, bits)));
    if (changed.people() < revised.people()) {
      questions.add(new SideMeasurement("unchanged values", revised.unchanged(), told, bits));
    }
    return List.copyOf(questions);
  }
}
