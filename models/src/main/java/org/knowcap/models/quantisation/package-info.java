/**
 * Quantisation after training: rounds the weight matrices of a finished model to a few bits and counts what storing them
 * takes. What comes out is an ordinary set of parameters, so that any engine can measure it.
 */
@NullMarked
package org.knowcap.models.quantisation;

import org.jspecify.annotations.NullMarked;
