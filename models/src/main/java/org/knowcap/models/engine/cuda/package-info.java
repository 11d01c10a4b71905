/**
 * The fast path on NVIDIA GPUs of the Ampere generation or later: kernels compiled at start for the very chip and model,
 * products by cuBLASLt, all memory allocated once, a training step recorded and replayed as one graph.
 */
@NullMarked
package org.knowcap.models.engine.cuda;

import org.jspecify.annotations.NullMarked;
