/** The lists of names, values and templates that texts are drawn from; they are read from plain text. */
@NullMarked
package org.knowcap.generators.pools;

import org.jspecify.annotations.NullMarked;
