/**
 * Trains Knowcap's models in PyTorch through DJL, to compare speeds. Only builds with the profile 'benchmarks' have
 * it.
 */
package org.knowcap.experiments.bench.djl;
