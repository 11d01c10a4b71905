/** Tests of what {@code knowcap bench gpu} and its script do, on an emulated GPU; nothing is asserted of times. */
package org.knowcap.experiments.bench.gpu;
