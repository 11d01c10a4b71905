/** Reads a study's YAML file, checks it, and resolves it to its grid of runs. */
@NullMarked
package org.knowcap.experiments.study;

import org.jspecify.annotations.NullMarked;
