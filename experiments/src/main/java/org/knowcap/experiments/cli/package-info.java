/** The command line: one class a command, and what they print. */
@NullMarked
package org.knowcap.experiments.cli;

import org.jspecify.annotations.NullMarked;
