/** Tests of run folders and of measurement. */
package org.knowcap.experiments.run;
