package org.knowcap.models.engine.cuda.driver;

/** One of NVIDIA's libraries refused or failed. The message names the function and the error. */
public final class CudaException extends RuntimeException {
  private static final long serialVersionUID = 1;
  /** The driver's code for too little memory. */
  private static final int OUT_OF_MEMORY = 2;

  private final int code;

  CudaException(String message, int code) {
    super(message);
    this.code = code;
  }

  /** Whether there was too little memory on the device. */
  public boolean outOfMemory() {
    return code == OUT_OF_MEMORY;
  }
}
