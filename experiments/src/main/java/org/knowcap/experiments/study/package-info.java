/** A study as its YAML file says it, and the grid of runs that it resolves to. */
@NullMarked
package org.knowcap.experiments.study;

import org.jspecify.annotations.NullMarked;
