/**
 * The fast path without a GPU: matrix products by oneDNN, everything else fused in the Vector API over memory planned
 * once. Each worker carries whole windows of the batch through the model in buffers of its own.
 */
@NullMarked
package org.knowcap.models.engine.cpu;

import org.jspecify.annotations.NullMarked;
