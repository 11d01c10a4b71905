/**
 * The program: a model and its training step as a list of coarse operations over named matrices, with the backward
 * part derived from the forward part, and its cost in operations, bytes and memory.
 */
@NullMarked
package org.knowcap.models.program;

import org.jspecify.annotations.NullMarked;
