/**
 * Calls NVIDIA's libraries through the foreign-function API: the driver (libcuda), the compiler (NVRTC) and matmuls
 * (cuBLASLt). Every return code is checked. Numbers of enumerations are those of CUDA's headers; CUDA 12 and 13
 * agree in them.
 */
@NullMarked
package org.knowcap.models.engine.cuda.driver;

import org.jspecify.annotations.NullMarked;
