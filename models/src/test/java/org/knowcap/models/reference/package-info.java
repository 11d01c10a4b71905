/** The reference: every operation in plain double-precision loops. Every engine must agree with it. */
package org.knowcap.models.reference;
