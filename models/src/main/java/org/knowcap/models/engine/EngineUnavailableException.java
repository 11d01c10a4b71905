package org.knowcap.models.engine;

import java.util.Locale;
import org.knowcap.models.program.MasterWeights;

/** An engine was asked for that this machine cannot run, or not for so large a model. */
public final class EngineUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public EngineUnavailableException(String message) {
    super(message);
  }

  /** For an engine that cannot train with rounded weights, see {@link WeightRounding}. */
  public static EngineUnavailableException exactWeightsOnly(String engine) {
    return new EngineUnavailableException(
        "engine '" + engine + "' trains with exact weights only; use engine cpu for rounded ones");
  }

  /** For an engine that keeps parameters in fp32 only. */
  public static EngineUnavailableException fp32ParametersOnly(String engine, MasterWeights wanted) {
    return new EngineUnavailableException("engine '" + engine
        + "' keeps parameters in fp32 only; use engine cpu for " + wanted.name().toLowerCase(Locale.ROOT));
  }
}
