/** Benchmarks of what has to be fast, run by JMH in processes of their own. */
package org.knowcap.experiments.bench;
