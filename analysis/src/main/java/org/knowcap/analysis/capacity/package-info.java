/**
 * Turns losses (nats) into stored bits: how much of a corpus a model holds, in bits and in bits per parameter, with
 * standard errors. The formulas are those of arXiv 2404.05405, section 2.
 */
@NullMarked
package org.knowcap.analysis.capacity;

import org.jspecify.annotations.NullMarked;
