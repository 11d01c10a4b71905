/** Tests of the command line, in processes of its own. */
package org.knowcap.experiments.cli;
