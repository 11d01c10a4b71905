/** Quantises the model of a finished run, and measures how many bits are left. */
@NullMarked
package org.knowcap.experiments.quantise;

import org.jspecify.annotations.NullMarked;
