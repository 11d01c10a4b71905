/** The command line: one class a command, and what they print. */
package org.knowcap.experiments.cli;
