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
  private final double replay;
  private final TrainingStream stream;

  /**
   * @param original people before the revision
   * @param revision what changes, for how many of them
   * @param before   exposures of all people before the revision, at least 1
   * @param replay   share, below 1, of the windows after the revision that are about unchanged people
   * @throws IllegalArgumentException if the revision changes nobody or an attribute that cannot be changed, or
   *                                  the share is out of range, or there is a share but nobody is unchanged
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
    if (replay > 0 && revised.changed().people() == revised.people()) {
      throw new IllegalArgumentException(
          "there is nobody to replay: a share of " + revision.share() + " changes everybody");
    }
    Corpus after = replay == 0
        ? revised.changed()
        : new Mixture(original.order(), List.of(new Ingredient(revised.changed(), 1 - replay, ""),
            new Ingredient(revised.unchanged(), replay, "")));
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
  public TrainingStream stream() {
    return stream;
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

  /**
   * How much a model knows of the revised attributes: "new values" and "old values" of the changed people, and
   * "unchanged values" of the others, if there are any.
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
    return List.copyOf(measurements);
  }
}
