package org.knowcap.generators.mixture;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpus;
import org.knowcap.generators.corpus.Exposure;
import org.knowcap.generators.corpus.PeopleRange;
import org.knowcap.generators.corpus.SideMeasurement;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.TrainingStream;
import org.knowcap.generators.mixture.Mixture.Ingredient;
import org.knowcap.generators.people.GeneratedSource;
import org.knowcap.generators.people.Revision;

/**
 * People some of whose values change during training. The stream first has all people with their old values,
 * then the people whom a revision changed, with their new values, mixed with a share of windows about the
 * others (the replay).
 *
 * <p>All people are measured with their values after the revision; {@link #sideMeasurements} tell apart how
 * much of the new, the old and the unchanged values a model knows. Exposures are those of the changed people
 * after the revision.
 */
public final class RevisedCorpus implements Corpus {
  private final GeneratedSource<?> revised;
  private final Revision revision;
  private final long before;
  private final Replay replay;
  private final boolean sequence;
  private final double exposures;
  private final GeneratedSource<?> original;
  private final TrainingStream stream;

  /**
   * @param original people before the revision
   * @param revision what changes, for how many of them
   * @param before   exposures of all people before the revision, at least 1
   * @param replay   what training repeats after the revision
   * @param sequence whether the changed people are written one after another: all exposures of one, then all of the next
   * @throws IllegalArgumentException if the revision changes nobody or an attribute that cannot be changed, or
   *                                  the share is out of range, or there is a share but nobody is unchanged
   */
  public RevisedCorpus(GeneratedSource<?> original, Revision revision, long before, Replay replay,
      boolean sequence) {
    this(original, revision, before, replay, sequence, 1);
  }

  /** The changed people are written together, each of them once in each round. */
  public RevisedCorpus(GeneratedSource<?> original, Revision revision, long before, double replay) {
    this(original, revision, before, Replay.of(replay), false);
  }

  /** @param exposures of the changed people, which decide when the next one is written */
  private RevisedCorpus(GeneratedSource<?> original, Revision revision, long before, Replay replay,
      boolean sequence, double exposures) {
    this.original = original;
    this.sequence = sequence;
    this.exposures = exposures;
    if (before < 0) {
      throw new IllegalArgumentException("exposures before the change must be 0 or more, found " + before);
    }
    this.revision = revision;
    this.before = before;
    this.replay = replay;
    revised = original.revised(revision);
    if (replay.share() > 0 && replay.written().isEmpty() && revised.changed().people() == revised.people()) {
      throw new IllegalArgumentException(
          "there is nobody to replay: a share of " + revision.share() + " changes everybody");
    }
    Source changed = sequence
        ? revised.changed().exposed(new Exposure.OneAfterAnother()).forExposures(exposures)
        : revised.changed();
    Corpus after = replay.share() == 0
        ? changed
        : new Mixture(original.order(), List.of(new Ingredient(changed, 1 - replay.share(), ""),
            new Ingredient(replay.written().isEmpty()
                ? revised.unchanged()
                : new WrittenTexts(revised, replay.written(), original.order()), replay.share(), "")));
    stream = new RevisionStream(revised.before(), before, after.stream());
  }

  /** All people, after the revision. */
  @Override
  public Source measured() {
    return revised;
  }

  @Override
  public Optional<Source> strangers(long most) {
    return revised.strangers(most);
  }

  @Override
  public Corpus forExposures(double wanted) {
    return sequence ? new RevisedCorpus(original, revision, before, replay, true, wanted) : this;
  }

  @Override
  public TrainingStream stream() {
    return stream;
  }

  @Override
  public Map<String, Object> parameters() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("kind", "revised");
    parameters.put("of", revised.parameters());
    parameters.put("before", before);
    parameters.put("replay", replay.share());
    if (sequence) {
      parameters.put("sequence", true);
      parameters.put("exposures", exposures);
    }
    return parameters;
  }

  /**
   * How much a model knows of the revised attributes: "new values" and "old values" of the changed people, and
   * "unchanged values" of the others, if there are any. Of people who are written one after another, the new values are also measured
   * by how many were written later.
   */
  @Override
  public List<SideMeasurement> sideMeasurements() {
    Set<Attribute> stated = new HashSet<>(revision.attributes());
    if (stated.contains(Attribute.EMPLOYER)) {
      // A city in front of its employer counts as a part of the employer.
      stated.add(Attribute.EMPLOYER_CITY);
    }
    double bits = revised.uniformBits(List.copyOf(revision.attributes()));
    GeneratedSource<?> changed = revised.changed();
    List<SideMeasurement> measurements = new ArrayList<>(
        List.of(new SideMeasurement("new values", changed, stated, bits),
            new SideMeasurement("old values", changed.before(), stated, bits)));
    if (changed.people() < revised.people()) {
      measurements.add(new SideMeasurement("unchanged values", revised.unchanged(), stated, bits));
    }
    if (sequence) {
      measurements.addAll(byLaterEdits(changed, stated, bits));
    }
    return List.copyOf(measurements);
  }

  /** The new values before 0, 1, 2 to 3, 4 to 7 ... later edits: the person who was written last has none. */
  private static List<SideMeasurement> byLaterEdits(Source changed, Set<Attribute> stated, double bits) {
    List<SideMeasurement> measurements = new ArrayList<>();
    long people = changed.people();
    for (long least = 0; least < people; least = least == 0 ? 1 : 2 * least) {
      long most = Math.min(people - 1, least == 0 ? 0 : 2 * least - 1);
      measurements.add(new SideMeasurement(
          "new values, " + (most == least ? least : least + " to " + most) + " later edits",
          new PeopleRange(changed, people - 1 - most, most - least + 1), stated, bits));
    }
    return measurements;
  }
}
