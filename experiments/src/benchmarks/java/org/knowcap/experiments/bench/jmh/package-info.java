/** Benchmarks of the generators and of the fits of laws; JMH runs them in processes of their own. */
@NullMarked
package org.knowcap.experiments.bench.jmh;

import org.jspecify.annotations.NullMarked;
