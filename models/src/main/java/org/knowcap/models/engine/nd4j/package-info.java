/**
 * The portable engine: every operation runs through ND4J's arrays and native operations, in fp32. Besides this package,
 * only the export to SameDiff uses ND4J.
 */
@NullMarked
package org.knowcap.models.engine.nd4j;

import org.jspecify.annotations.NullMarked;
