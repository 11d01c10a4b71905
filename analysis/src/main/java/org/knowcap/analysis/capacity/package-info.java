/**
 * From losses to stored bits: what a model holds of a corpus, in bits and in bits per parameter, with
 * standard errors. Formulas are those of arXiv 2404.05405, section 2.
 */
@NullMarked
package org.knowcap.analysis.capacity;

import org.jspecify.annotations.NullMarked;
