/**
 * Draws the charts of a study's results and of a corpus. A report knows charts only as {@link
 * org.knowcap.analysis.chart.Chart}, whose method of() has every kind of chart of results.
 */
@NullMarked
package org.knowcap.analysis.chart;

import org.jspecify.annotations.NullMarked;
