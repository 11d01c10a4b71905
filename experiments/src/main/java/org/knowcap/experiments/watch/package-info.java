/** A live page on a study: what its files say, read again and again at little cost, and the server that shows it. */
@NullMarked
package org.knowcap.experiments.watch;

import org.jspecify.annotations.NullMarked;
