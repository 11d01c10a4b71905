/**
 * bioR: biographies that a language model has written about the people of a bioS. The package reads the texts,
 * finds the facts in each of them, and makes a source of them.
 */
@NullMarked
package org.knowcap.generators.bior;

import org.jspecify.annotations.NullMarked;
