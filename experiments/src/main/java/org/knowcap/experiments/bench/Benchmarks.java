package org.knowcap.experiments.bench;

import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;

/** Benchmarks of corpora and of fits. Only builds with the profile 'benchmarks' have them, because they use JMH. */
public interface Benchmarks {
  /**
   * Times all corpora.
   *
   * @param threads the numbers of threads to measure with
   * @param progress receives a line before each measurement
   * @throws UserException if a benchmark fails, or another is being run on this machine
   */
  CorpusSpeed.Table corpora(Effort effort, List<Integer> threads, Consumer<String> progress);

  /**
   * Times the fit of the law of losses.
   *
   * @throws UserException if a benchmark fails, or another is being run on this machine
   */
  LawSpeed laws(Effort effort);

  /**
   * The benchmarks of this build.
   *
   * @throws UserException if it has none
   */
  static Benchmarks ofThisBuild() {
    Optional<Benchmarks> found;
    try {
      found = ServiceLoader.load(Benchmarks.class).findFirst();
    } catch (ServiceConfigurationError e) {
      // A build with the profile, and then one without it, leaves a list of services that names what is gone.
      found = Optional.empty();
    }
    return found.orElseThrow(() -> UserException.usage(
        "these benchmarks are not in this build; set KNOWCAP_PROFILES=benchmarks in the environment, and start again"));
  }
}
