/** Tests that the benchmarks run; they assert nothing about times. */
package org.knowcap.experiments.bench;
