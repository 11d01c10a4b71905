/**
 * What {@code knowcap bench gpu} does: items, each measured in a process of its own, their lines in a file, and the page made
 * of it.
 */
@NullMarked
package org.knowcap.experiments.bench.gpu;

import org.jspecify.annotations.NullMarked;
