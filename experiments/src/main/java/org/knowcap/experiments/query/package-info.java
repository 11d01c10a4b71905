/** SQL over studies: their runs, curves and people as tables of a DuckDB in memory, and its answers in several formats. */
@org.jspecify.annotations.NullMarked
package org.knowcap.experiments.query;
