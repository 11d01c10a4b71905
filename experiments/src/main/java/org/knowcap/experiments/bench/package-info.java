/** Benchmarks of what has to be fast, each in processes of its own. */
@NullMarked
package org.knowcap.experiments.bench;

import org.jspecify.annotations.NullMarked;
