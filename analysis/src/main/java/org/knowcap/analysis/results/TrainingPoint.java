package org.knowcap.analysis.results;

import java.util.OptionalDouble;

/**
 * What a model held at a step of its training, measured as at the end of a run.
 *
 * @param nameLossNats p1, nats; absent for random strings
 * @param valueLossNats p2, nats
 * @param unseenValueLossNats p2 of people whom training does not show, nats: it rises above a uniform guess where a model makes
 *        values up. Absent where there are no such people, and for mixtures whose other texts are longer
 * @param storedBits bits of the corpus that the model stores
 */
public record TrainingPoint(OptionalDouble nameLossNats, double valueLossNats,
    OptionalDouble unseenValueLossNats, double storedBits) {
  public TrainingPoint {
    nameLossNats.ifPresent(loss -> RunResult.finite("name_loss_nats", loss));
    unseenValueLossNats.ifPresent(loss -> RunResult.finite("unseen_value_loss_nats", loss));
    RunResult.finite("value_loss_nats", valueLossNats);
    RunResult.finite("stored_bits", storedBits);
  }
}
