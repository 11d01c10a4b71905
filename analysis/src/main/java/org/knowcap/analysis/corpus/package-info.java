/** What a corpus is, as read from its texts: counts to draw and to print, whatever made it. */
@NullMarked
package org.knowcap.analysis.corpus;

import org.jspecify.annotations.NullMarked;
