/**
 * Writes corpora to files that other programs can read, and compares such files with what they should contain. An
 * export is a list of files, each a function of the corpus, and a manifest.
 */
@NullMarked
package org.knowcap.generators.export;

import org.jspecify.annotations.NullMarked;
