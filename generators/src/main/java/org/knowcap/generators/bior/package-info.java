/**
 * bioR: biographies that a language model has written about the people of a bioS. The package reads the texts,
 * finds each fact in them, and makes a source of them.
 */
package org.knowcap.generators.bior;
