/** Measures what a model knows: the losses of names and values, and the bits that they stand for. */
@NullMarked
package org.knowcap.experiments.measure;

import org.jspecify.annotations.NullMarked;
