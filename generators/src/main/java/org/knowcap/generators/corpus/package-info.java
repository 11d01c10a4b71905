/**
 * Corpora as functions of (seed, index): their items, their stream of windows, their knowledge spans, and
 * their content in bits.
 */
package org.knowcap.generators.corpus;
