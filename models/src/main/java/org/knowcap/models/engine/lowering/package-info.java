/**
 * From a program's operations to what an engine does in one go: which operations are fused, which results live where
 * their input was, and in bf16 what is kept in which precision. The engines with kernels of their own share it.
 */
@NullMarked
package org.knowcap.models.engine.lowering;

import org.jspecify.annotations.NullMarked;
