/**
 * Checks the instrument before it is believed: known answers that a measurement must give, and an attack that must find
 * nothing. Each check is made of parts that a test can put a fault in.
 */
@NullMarked
package org.knowcap.experiments.calibrate;

import org.jspecify.annotations.NullMarked;
