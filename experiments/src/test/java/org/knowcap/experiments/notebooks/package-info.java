/** Runs the notebooks. */
package org.knowcap.experiments.notebooks;
