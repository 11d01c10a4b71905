/** One run: its folder on disk, its training, and the measurement of what its model knows. */
package org.knowcap.experiments.run;
