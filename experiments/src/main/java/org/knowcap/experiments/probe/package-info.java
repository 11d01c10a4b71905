/**
 * Shows where in a model knowledge is: linear probes on its hidden states, with a low-rank update to the embedding
 * (arXiv 2309.14316).
 */
@NullMarked
package org.knowcap.experiments.probe;

import org.jspecify.annotations.NullMarked;
