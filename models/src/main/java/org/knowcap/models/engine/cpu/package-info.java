/**
 * The fast engine without a GPU: oneDNN computes matmuls, and everything else is fused in the Vector API, over
 * memory that is planned once. Each worker takes whole windows of the batch through the model, in buffers of its
 * own.
 */
@NullMarked
package org.knowcap.models.engine.cpu;

import org.jspecify.annotations.NullMarked;
