/**
 * Checks the instrument before anyone believes it: known answers that a measurement must give, and an attack that
 * must find nothing. Each check is built of parts, so that a test can put a fault into one of them.
 */
@NullMarked
package org.knowcap.experiments.calibrate;

import org.jspecify.annotations.NullMarked;
