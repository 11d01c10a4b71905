package org.knowcap.experiments.runner;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.regex.Pattern;
import org.knowcap.experiments.UserException;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.RoundingException;
import org.knowcap.models.engine.UnknownEngineException;
import org.knowcap.models.engine.cuda.driver.CudaException;
import org.knowcap.models.training.TrainingException;

/**
 * Why a run failed.
 *
 * @param sentence for whoever reads {@code failure.json} or the table of states
 * @param internal whether it is a fault of this program's, of which only the trace says enough
 */
public record FailureReason(String sentence, boolean internal) {
  /** A class of Java's or of a library's, with its package. */
  private static final Pattern CLASS_NAME = Pattern.compile("\\b[a-z]\\w*(\\.[a-z]\\w*)+\\.[A-Z]");

  /**
   * The reason.
   *
   * @param run its name
   * @param failed what ended it
   */
  public static FailureReason of(String run, Throwable failed) {
    return switch (failed) {
      case OutOfMemoryError out -> known("out of memory" + bracketed(out)
          + "; KNOWCAP_JAVA_OPTS=-Xmx8g gives Java more, and fewer --workers leave more to each");
      case CheckpointException damaged ->
          known(damaged.getMessage() + "; 'knowcap run' with --again " + run + " trains it again");
      case UncheckedIOException wrapped -> known(UserException.describe(wrapped.getCause()));
      case IOException unread -> known(UserException.describe(unread));
      case TrainingException ended -> known(ended.getMessage());
      case UserException refused -> known(refused.getMessage());
      case EngineUnavailableException refused -> known(refused.getMessage());
      case UnknownEngineException refused -> known(refused.getMessage());
      case RoundingException refused -> known(refused.getMessage());
      case CudaException refused -> known(refused.getMessage());
      default -> new FailureReason("internal error" + bracketed(failed)
          + ", which is a fault of Knowcap's and not of the study; please report it to the project's issue tracker with"
          + " the trace on the worker's standard error (of 'knowcap run': in the study's folder 'logs')",
          true);
    };
  }

  private static FailureReason known(String message) {
    return new FailureReason(message, false);
  }

  private static String bracketed(Throwable failed) {
    return words(failed).map(words -> " (" + words + ")").orElse("");
  }

  /** What an exception says, unless it names classes, which mean nothing to a user. */
  private static Optional<String> words(Throwable failed) {
    Throwable cause = failed.getCause();
    String message = failed.getMessage();
    if (cause != null && cause.toString().equals(message)) {
      return words(cause);
    }
    return failed instanceof NullPointerException
        ? Optional.empty()
        : Optional.ofNullable(message).filter(text -> !text.isBlank() && !CLASS_NAME.matcher(text).find());
  }
}
