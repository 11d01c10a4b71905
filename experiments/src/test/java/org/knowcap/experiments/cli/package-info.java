/** Tests of the command line, in the tests' own process or in processes that they start. */
package org.knowcap.experiments.cli;
