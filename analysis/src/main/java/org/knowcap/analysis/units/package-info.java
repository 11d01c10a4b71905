/** Formats quantities for people, in one way for charts, reports and the terminal, in every locale. */
@NullMarked
package org.knowcap.analysis.units;

import org.jspecify.annotations.NullMarked;
