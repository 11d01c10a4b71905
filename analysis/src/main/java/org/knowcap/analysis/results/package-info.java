/** Holds the measured runs of a study as records and as a table, and writes and reads them as CSV. */
@NullMarked
package org.knowcap.analysis.results;

import org.jspecify.annotations.NullMarked;
