/**
 * One number for one architecture: chooses a corpus, a learning rate and corpus sizes until the peak of R is found. {@link
 * org.knowcap.experiments.capacity.DenseCorpus} is what is learnt, {@link org.knowcap.experiments.capacity.CapacitySearch}
 * says which runs come next, {@link org.knowcap.experiments.capacity.CapacityFinding} what they tell.
 */
package org.knowcap.experiments.capacity;
