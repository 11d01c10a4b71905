package org.knowcap.experiments.runner;

import java.io.IOException;
import java.util.List;
import org.knowcap.experiments.run.RunStatus;

/**
 * Decides where the runs of a study are trained. Launchers remember nothing of a run: its folder says how far it is, and
 * the lock in that folder keeps two processes from training it at a time.
 */
public sealed interface Launcher permits LocalLauncher, SlurmLauncher, SparkLauncher, KubernetesLauncher {
  /**
   * Brings all runs that are not done to where they are trained; earlier failures are tried again.
   *
   * @param states of the study's runs
   */
  void launch(List<RunStatus> states) throws IOException, InterruptedException;
}
