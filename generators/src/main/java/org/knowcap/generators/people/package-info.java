/**
 * Populations that are computed from a seed: which people a source has, what their names are, in which order they
 * come in the training stream, and which revisions apply to them.
 */
@NullMarked
package org.knowcap.generators.people;

import org.jspecify.annotations.NullMarked;
