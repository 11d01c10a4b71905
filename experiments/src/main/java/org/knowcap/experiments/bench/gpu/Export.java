package org.knowcap.experiments.bench.gpu;

import org.knowcap.files.Folders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.runner.ChildProcess;

/** Trains a model for a few steps on the GPU, exports it, and has transformers compute the losses that Knowcap does. */
final class Export {
  /** A study with enough people for different tokens, and few enough to take only seconds. */
  private static final String STUDY = """
      name: export
      corpus:
        kind: bioS
        people: 20
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: [%s]
      exposures: 10
      engine: cuda
      training: {batch_size: 2, context_length: 64, learning_rate: 0.003, warmup_steps: 5}
      """;

  private Export() {}

  /** @param progress receives the lines that the commands write */
  static GpuResult.Exported check(String model, Path script, Consumer<String> progress)
      throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("knowcap-export");
    try {
      Path study = Files.writeString(folder.resolve("export.yaml"), String.format(Locale.ROOT, STUDY, model));
      Path runs = folder.resolve("study");
      Path exported = folder.resolve("model");
      knowcap(progress, "run", study.toString(), "--out", runs.toString());
      knowcap(progress, "export", runs.toString(), exported.toString(), "--to", "huggingface", "--check");
      String said = Python.output(List.of("python3", script.toString(), exported.toString()));
      return new GpuResult.Exported(model, said.strip());
    } finally {
      Folders.delete(folder);
    }
  }

  private static void knowcap(Consumer<String> progress, String... arguments)
      throws IOException, InterruptedException {
    Process process = ChildProcess.builder(1, arguments).redirectErrorStream(true).start();
    process.inputReader(StandardCharsets.UTF_8).lines().forEach(progress);
    int exitCode = process.waitFor();
    if (exitCode != 0) {
      throw UserException.failure("'knowcap " + String.join(" ", arguments) + "' ended with exit code "
          + exitCode + "; its own message is above");
    }
  }
}
