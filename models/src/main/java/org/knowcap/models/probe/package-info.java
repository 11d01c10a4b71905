/** Linear probes: programs that classify a trained model's hidden states (arXiv 2309.14316). */
@NullMarked
package org.knowcap.models.probe;

import org.jspecify.annotations.NullMarked;
