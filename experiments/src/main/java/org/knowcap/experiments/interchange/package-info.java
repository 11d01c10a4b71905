/** Runs as folders of other programs' files, and such folders as runs. */
@NullMarked
package org.knowcap.experiments.interchange;

import org.jspecify.annotations.NullMarked;
