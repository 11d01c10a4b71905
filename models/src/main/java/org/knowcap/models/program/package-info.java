/**
 * A program is a model and its training step as a list of coarse operations over named matrices. The backward part is
 * derived from the forward part. The package also counts a program's cost in FLOPs, bytes and memory.
 */
@NullMarked
package org.knowcap.models.program;

import org.jspecify.annotations.NullMarked;
