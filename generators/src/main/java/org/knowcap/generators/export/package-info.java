/**
 * Corpora written to files that other programs can read, and compared with what such files should be. An
 * export is a list of files, each a function of the corpus, and a manifest.
 */
package org.knowcap.generators.export;
