/** Tests of {@code knowcap bench gpu} and its script on an emulated GPU; they assert nothing about times. */
package org.knowcap.experiments.bench.gpu;
