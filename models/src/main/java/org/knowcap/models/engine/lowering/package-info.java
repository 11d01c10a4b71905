/**
 * Turns a program's operations into the steps of an engine: which operations are fused, which results overwrite their
 * input, and which tensors of a bf16 program have which precision. The cpu and cuda engines share it.
 */
@NullMarked
package org.knowcap.models.engine.lowering;

import org.jspecify.annotations.NullMarked;
