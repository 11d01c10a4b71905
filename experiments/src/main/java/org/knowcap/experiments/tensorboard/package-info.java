/** TensorBoard's event files, made from what the runs of a study have reported. */
@NullMarked
package org.knowcap.experiments.tensorboard;

import org.jspecify.annotations.NullMarked;
