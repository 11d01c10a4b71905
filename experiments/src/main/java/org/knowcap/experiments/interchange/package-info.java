/** Exports runs to folders with the files of other programs, and imports such folders as runs. */
@NullMarked
package org.knowcap.experiments.interchange;

import org.jspecify.annotations.NullMarked;
