/** Corpora written to files that other programs can read. */
package org.knowcap.generators.export;
