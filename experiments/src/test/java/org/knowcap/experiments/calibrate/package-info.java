/** Tests of the checks: that they pass, and that each fails where the instrument has the fault that it looks for. */
package org.knowcap.experiments.calibrate;
