/** Linear probes: programs that classify what a trained model's hidden states say (arXiv 2309.14316). */
@NullMarked
package org.knowcap.models.probe;

import org.jspecify.annotations.NullMarked;
