package org.knowcap.models.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

/** A checkpoint or safetensors file that is damaged, or of another model or run. */
public final class CheckpointException extends IOException {
  private static final long serialVersionUID = 1;

  public CheckpointException(Path file, String problem) {
    super(file + ": " + problem);
  }
}
