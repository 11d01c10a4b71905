/**
 * One run: its folder on disk, its training, and the measurement of what its model knows; and the folder of a study.
 */
@NullMarked
package org.knowcap.experiments.run;

import org.jspecify.annotations.NullMarked;
