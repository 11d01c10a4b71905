package org.knowcap.experiments.run;

import org.knowcap.experiments.study.RunSpec;

/**
 * How far one run of a study is.
 *
 * @param name of the run and its folder, which takes a hash of all settings to compute
 */
public record RunStatus(String name, RunSpec spec, RunState state) {}
