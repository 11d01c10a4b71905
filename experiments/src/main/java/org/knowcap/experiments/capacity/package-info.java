/**
 * Finds one number for one architecture, the peak of R or of alpha (random strings): it chooses a corpus, a learning rate and corpus sizes. {@link
 * org.knowcap.experiments.capacity.DenseCorpus} is the corpus of facts that models learn, {@link
 * org.knowcap.experiments.capacity.StringCorpus} the one of random strings, {@link
 * org.knowcap.experiments.capacity.CapacitySearch} says which runs come next, and {@link
 * org.knowcap.experiments.capacity.CapacityFinding} says what they show.
 */
@NullMarked
package org.knowcap.experiments.capacity;

import org.jspecify.annotations.NullMarked;
