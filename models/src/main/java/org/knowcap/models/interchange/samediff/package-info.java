/**
 * A model's forward part as a SameDiff graph of ND4J's own operations, for Deeplearning4j, and to check our engines.
 */
@NullMarked
package org.knowcap.models.interchange.samediff;

import org.jspecify.annotations.NullMarked;
