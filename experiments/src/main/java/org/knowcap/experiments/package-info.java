/** Joins corpora, models and analysis: studies, their runner, measurement, and the command line. */
package org.knowcap.experiments;
