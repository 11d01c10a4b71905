/** Tests of how programs are lowered. */
package org.knowcap.models.engine.lowering;
