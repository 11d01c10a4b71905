/** A study as its YAML file says it, and the grid of runs that it resolves to. */
package org.knowcap.experiments.study;
