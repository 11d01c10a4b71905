/** Corpora of several sources: mixtures, and people whose values change during training. */
package org.knowcap.generators.mixture;
