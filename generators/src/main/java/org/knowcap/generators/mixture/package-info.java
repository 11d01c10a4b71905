/** Corpora of several sources: mixtures, and people whose values change during training. */
@NullMarked
package org.knowcap.generators.mixture;

import org.jspecify.annotations.NullMarked;
