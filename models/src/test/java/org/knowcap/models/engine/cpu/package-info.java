/** Tests of what only the cpu engine does. */
package org.knowcap.models.engine.cpu;
