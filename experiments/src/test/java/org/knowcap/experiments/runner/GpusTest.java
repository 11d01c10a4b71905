package org.knowcap.experiments.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GpusTest {
  @Test
  void theEnvironmentTellsBeforeTheDriver() throws Exception {
    assertEquals(List.of("3", "0"), visible("3, 0"));
    assertEquals(List.of("GPU-8a1b", "MIG-77"), visible("GPU-8a1b,MIG-77"));
    assertEquals(List.of("1"), visible("1,-1,2"));
    assertEquals(List.of(), visible(""));
  }

  private static List<String> visible(String devices) throws InterruptedException {
    return Gpus.visible(Map.of(Gpus.VISIBLE, devices));
  }
}
