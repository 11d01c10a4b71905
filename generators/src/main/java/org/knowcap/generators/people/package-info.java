/**
 * Populations that are computed from a seed: which people a source has, what their names are, in which order the
 * training stream has them, and which revisions apply to them.
 */
@NullMarked
package org.knowcap.generators.people;

import org.jspecify.annotations.NullMarked;
