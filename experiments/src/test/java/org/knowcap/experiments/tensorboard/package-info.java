@NullMarked
package org.knowcap.experiments.tensorboard;

import org.jspecify.annotations.NullMarked;
