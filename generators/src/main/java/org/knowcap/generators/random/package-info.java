/** Randomness without state: numbers and permutations as pure functions of a key and an index. */
@NullMarked
package org.knowcap.generators.random;

import org.jspecify.annotations.NullMarked;
