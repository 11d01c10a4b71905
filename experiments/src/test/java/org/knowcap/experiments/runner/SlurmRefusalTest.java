package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SlurmRefusalTest {
  private static final String POLICY = "; sbatch: error: Batch job submission failed: Job violates accounting/QOS policy"
      + " (job submit limit, user's size and/or time limits)";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"Memory specification can not be satisfied|--memory",
          "Batch job submission failed: Requested node configuration is not available|--memory",
          "CPU count per node can not be satisfied|--threads", "QOSMaxMemoryPerJob{}|--memory",
          "QOSMaxCpuPerUserLimit{}|--threads", "AssocMaxSubmitJobLimit{}|--array-limit",
          "QOSMaxSubmitJobPerUserLimit{}|--array-limit",
          "Batch job submission failed: Invalid job array specification|--array-limit",
          "Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)|--time",
          "QOSMaxWallDurationPerJobLimit{}|--time", "invalid partition specified: cpu|--partition",
          "Batch job submission failed: Invalid account or account/partition combination specified|--account",
          "Batch job submission failed: Invalid generic resource (gres) specification|--gres",
          "Batch job submission failed: Unable to contact slurm controller (connect failure)|scontrol ping",
          "{}|a limit of yours"})
  void theAdviceFitsWhatSbatchSays(String said, String helps) {
    String advice = SlurmRefusal.advice("sbatch: error: " + said.replace("{}", POLICY)).orElseThrow();
    assertTrue(advice.contains(helps), advice);
    assertEquals(helps.equals("--array-limit") || helps.equals("a limit of yours"),
        advice.contains("--array-limit"), advice);
  }

  @Test
  void whatIsNotUnderstoodGetsNoAdvice() {
    assertEquals(Optional.empty(),
        SlurmRefusal.advice("exit code 1: sbatch: error: Batch job submission failed: Unspecified error"));
  }
}
