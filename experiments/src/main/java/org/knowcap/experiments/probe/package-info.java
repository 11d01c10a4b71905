/**
 * Where knowledge stands in a model: linear probes on its hidden states, with an update of low rank to the embedding
 * (arXiv 2309.14316).
 */
@NullMarked
package org.knowcap.experiments.probe;

import org.jspecify.annotations.NullMarked;
