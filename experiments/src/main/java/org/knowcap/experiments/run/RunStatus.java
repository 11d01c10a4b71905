package org.knowcap.experiments.run;

import org.knowcap.experiments.study.RunSpec;

/**
 * How far one run of a study is.
 *
 * @param name of the run and its folder; it is kept here because computing it takes a hash of all settings
 */
public record RunStatus(String name, RunSpec spec, RunState state) {}
