/** Joins corpora, models and analysis: studies, their runner, measurement, and the command line. */
@NullMarked
package org.knowcap.experiments;

import org.jspecify.annotations.NullMarked;
