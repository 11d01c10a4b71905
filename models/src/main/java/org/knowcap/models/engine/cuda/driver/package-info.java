/**
 * NVIDIA's libraries through the foreign-function API: the driver (libcuda), the compiler (NVRTC) and matrix products
 * (cuBLASLt). Every return code is checked; numbers of enumerations are those of CUDA's headers, which are the same in
 * CUDA 12 and 13.
 */
@NullMarked
package org.knowcap.models.engine.cuda.driver;

import org.jspecify.annotations.NullMarked;
