/** Measures the speed of training, corpora and fits, and compares it with peers, each in processes of their own. */
@NullMarked
package org.knowcap.experiments.bench;

import org.jspecify.annotations.NullMarked;
