/** Quantities as people read them, the same in the chart, the report and on the terminal, in every locale. */
@NullMarked
package org.knowcap.analysis.units;

import org.jspecify.annotations.NullMarked;
