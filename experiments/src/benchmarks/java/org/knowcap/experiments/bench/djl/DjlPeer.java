package org.knowcap.experiments.bench.djl;

import ai.djl.engine.Engine;
import org.knowcap.experiments.bench.Peer;
import org.knowcap.experiments.bench.TrainingShape;

/** PyTorch on the CPU through DJL. */
public final class DjlPeer implements Peer {
  @Override
  public String name() {
    return "djl";
  }

  @Override
  public String description() {
    return "PyTorch " + Engine.getEngine("PyTorch").getVersion() + " through DJL, MALLOC_MMAP_THRESHOLD_="
        + System.getenv("MALLOC_MMAP_THRESHOLD_") + ", in fp32 (DJL's binding has no bfloat16)";
  }

  @Override
  public Training prepare(TrainingShape shape, int threads) {
    return new DjlTraining(shape, threads);
  }
}
