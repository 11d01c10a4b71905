/** Measures what a model knows: the losses of names and values, and the bits that they stand for. */
package org.knowcap.experiments.measure;
