/**
 * Runs the grid of a study on this machine: a supervisor that starts worker processes, and the workers, which take runs
 * one after another and report what they do as lines of JSON.
 */
@NullMarked
package org.knowcap.experiments.runner;

import org.jspecify.annotations.NullMarked;
