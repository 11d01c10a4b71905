package org.knowcap.analysis.law;

/**
 * A loss after training.
 *
 * @param parameters of the model, above 0
 * @param tokens trained on, above 0
 * @param loss nats a token, above 0
 * @param cluster points that are not independent, such as those of one run, have one name
 */
public record LossPoint(double parameters, double tokens, double loss, String cluster) {
  public LossPoint {
    require("parameters", parameters);
    require("tokens", tokens);
    require("loss", loss);
  }

  private static void require(String what, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new LawException(what + " of a point is " + value + "; it must be finite and above 0");
    }
  }
}
