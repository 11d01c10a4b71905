/** Randomness without state: numbers and permutations as pure functions of a key and an index. */
package org.knowcap.generators.random;
