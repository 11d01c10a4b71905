/**
 * The engine for NVIDIA GPUs of the Ampere generation or later. Kernels are compiled at start for the chip and the
 * model at hand, cuBLASLt computes matmuls, all memory is allocated once, and a training step is recorded and
 * replayed as one graph.
 */
@NullMarked
package org.knowcap.models.engine.cuda;

import org.jspecify.annotations.NullMarked;
