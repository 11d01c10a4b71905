/**
 * The charts of a study's results and of a corpus. {@link org.knowcap.analysis.chart.Chart} is what a report needs of one;
 * its list holds all of them.
 */
@NullMarked
package org.knowcap.analysis.chart;

import org.jspecify.annotations.NullMarked;
