/** The arithmetic of every operation in plain double-precision loops: what every engine must agree with. */
package org.knowcap.models.reference;
