/** Benchmarks of the generators and of fits, run by JMH in processes of their own. */
@NullMarked
package org.knowcap.experiments.bench.jmh;

import org.jspecify.annotations.NullMarked;
