package org.knowcap.experiments.bench.djl;

import ai.djl.engine.Engine;
import org.knowcap.experiments.bench.Peer;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.models.engine.Execution;

/** PyTorch on the CPU through DJL. */
public final class DjlPeer implements Peer {
  @Override
  public String name() {
    return "djl";
  }

  @Override
  public String description() {
    return "PyTorch " + Engine.getEngine("PyTorch").getVersion() + " through DJL, MALLOC_MMAP_THRESHOLD_="
        + System.getenv("MALLOC_MMAP_THRESHOLD_");
  }

  @Override
  public Training prepare(TrainingShape shape, Execution execution) {
    return new DjlTraining(shape, execution);
  }
}
