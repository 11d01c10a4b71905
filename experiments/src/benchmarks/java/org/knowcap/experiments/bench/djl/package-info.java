/** The same models in PyTorch through DJL, to compare with. Only in builds with the profile 'benchmarks'. */
package org.knowcap.experiments.bench.djl;
