/** Runs as folders of other programs' files, and such folders as runs. */
package org.knowcap.experiments.interchange;
