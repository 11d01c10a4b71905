/** Quantising the model of a finished run, and measuring what is left. */
@NullMarked
package org.knowcap.experiments.quantise;

import org.jspecify.annotations.NullMarked;
