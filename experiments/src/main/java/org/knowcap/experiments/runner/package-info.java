/**
 * Trains the runs of a study. A launcher decides where: in worker processes of this machine, or in the tasks of a cluster's
 * scheduler. Workers take runs one after another and report what they do as lines of JSON.
 */
@NullMarked
package org.knowcap.experiments.runner;

import org.jspecify.annotations.NullMarked;
