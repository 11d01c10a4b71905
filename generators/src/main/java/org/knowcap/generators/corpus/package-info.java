/**
 * The contract of a corpus: what is measured of it, the training stream that is cut from its sources, and the
 * readers of that stream. Each kind of corpus has a package of its own.
 */
@NullMarked
package org.knowcap.generators.corpus;

import org.jspecify.annotations.NullMarked;
