/** Describes a corpus by counts that were read from its texts, whatever made the corpus; pages and charts show them. */
@NullMarked
package org.knowcap.analysis.corpus;

import org.jspecify.annotations.NullMarked;
