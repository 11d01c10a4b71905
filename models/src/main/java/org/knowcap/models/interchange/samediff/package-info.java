/** A model's forward part as a SameDiff graph, written in ND4J's own operations: for Deeplearning4j, and as a check of ours. */
@NullMarked
package org.knowcap.models.interchange.samediff;

import org.jspecify.annotations.NullMarked;
