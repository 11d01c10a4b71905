/** The command line: one class for each command, and the classes that print for several commands. */
@NullMarked
package org.knowcap.experiments.cli;

import org.jspecify.annotations.NullMarked;
