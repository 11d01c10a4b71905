/** What a corpus is, as read from its texts: counts to draw and to print, whatever made it. */
package org.knowcap.analysis.corpus;
