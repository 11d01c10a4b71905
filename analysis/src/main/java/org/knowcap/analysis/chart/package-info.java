/**
 * The capacity chart: parameters against stored bits, with ceilings and lines of equal bits per parameter.
 */
package org.knowcap.analysis.chart;
