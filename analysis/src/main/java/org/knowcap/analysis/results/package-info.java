/** The measured runs of a study as records and as a table, written to and read from CSV. */
@NullMarked
package org.knowcap.analysis.results;

import org.jspecify.annotations.NullMarked;
