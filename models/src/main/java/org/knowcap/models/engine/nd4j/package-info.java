/**
 * The portable engine and the reference: every operation through ND4J arrays and native operations, in fp32. Beside it,
 * only the export to SameDiff uses ND4J.
 */
@NullMarked
package org.knowcap.models.engine.nd4j;

import org.jspecify.annotations.NullMarked;
