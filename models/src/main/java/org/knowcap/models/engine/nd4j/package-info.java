/**
 * The portable engine and the reference: every operation through ND4J arrays and native operations, in fp32. ND4J is
 * seen nowhere else.
 */
package org.knowcap.models.engine.nd4j;
