/** Tests of what only the nd4j engine does. */
package org.knowcap.models.engine.nd4j;
