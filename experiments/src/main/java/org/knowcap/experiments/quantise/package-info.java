/** Quantising the model of a finished run, and measuring what is left. */
package org.knowcap.experiments.quantise;
