/**
 * Does the work of {@code knowcap bench gpu}: it measures each item in a process of its own, appends the item's line
 * to a file, and makes a page of that file.
 */
@NullMarked
package org.knowcap.experiments.bench.gpu;

import org.jspecify.annotations.NullMarked;
