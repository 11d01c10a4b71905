/** Tests that the benchmarks run; nothing is asserted of times. */
package org.knowcap.experiments.bench;
