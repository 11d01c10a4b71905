@NullMarked
package org.knowcap.experiments.watch;

import org.jspecify.annotations.NullMarked;
