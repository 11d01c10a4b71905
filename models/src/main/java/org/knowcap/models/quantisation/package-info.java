/**
 * Quantisation after training: rounds the weight matrices of a finished model to a few bits, and counts the bits
 * that storing them takes. The result is an ordinary set of parameters, so any engine can measure it.
 */
@NullMarked
package org.knowcap.models.quantisation;

import org.jspecify.annotations.NullMarked;
