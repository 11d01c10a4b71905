/** Tests of the checks: they pass, and each check fails where the instrument has the fault that the check looks for. */
package org.knowcap.experiments.calibrate;
