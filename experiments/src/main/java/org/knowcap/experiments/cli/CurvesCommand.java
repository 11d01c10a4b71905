package org.knowcap.experiments.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.files.WholeFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints the training curves of a study's runs. */
@Command(
    name = "curves",
    mixinStandardHelpOptions = true,
    description = "Writes DIR/curves.csv, a row for each report of each run: loss, learning rate, length of the gradient where it"
        + " is clipped, largest component of an embedding, of rare tokens and of all. Prints some of the rows.")
final class CurvesCommand implements Callable<Integer> {
  @Spec
  private CommandSpec command;

  @Parameters(paramLabel = "DIR", description = "Directory of the study.")
  private Path directory;

  @Option(
      names = "--rows",
      paramLabel = "K",
      defaultValue = "10",
      description = "Rows to print of each run. Default: ${DEFAULT-VALUE}")
  private int rows;

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--rows", rows);
    StudyFolder study = StudyFolder.open(directory);
    StudyFolder.Reported reported = study.metrics();
    Map<String, List<Metric>> curves = reported.metrics();
    reported.problems().forEach(note -> Knowcap.note(command, note));
    if (curves.isEmpty()) {
      throw UserException.failure(directory + " has no run that has reported yet"
          + (reported.problems().isEmpty() ? "" : ", and whose curve can be read") + "; see 'knowcap status "
          + directory + "'");
    }
    PrintWriter out = command.commandLine().getOut();
    curves.forEach((run, metrics) -> print(out, run, metrics));
    Path file = study.path().resolve("curves.csv");
    try {
      write(file, curves);
      out.println("all rows: " + file);
    } catch (FileSystemException e) {
      if (!RunFolder.isReadOnly(e)) {
        throw e;
      }
      Knowcap.note(command, file + " is not written: the folder is for reading only");
    }
    return 0;
  }

  private void print(PrintWriter out, String run, List<Metric> metrics) {
    String line = "%10s %12s %14s %14s %16s %16s%n";
    out.println(run);
    out.printf(Locale.ROOT, line, "step", "loss, nats", "learning rate", "gradient norm", "rare embedding",
        "any embedding");
    int count = Math.min(rows, metrics.size());
    for (int i = 1; i <= count; i++) {
      Metric metric = metrics.get((int) ((long) i * metrics.size() / count) - 1);
      out.printf(Locale.ROOT, line, metric.step(), shown(Optional.of(metric.loss())),
          shown(Optional.of(metric.learningRate())), shown(metric.gradientNorm()),
          shown(metric.largestRareEmbedding()), shown(metric.largestEmbedding()));
    }
    out.println();
  }

  private static String shown(Optional<Double> value) {
    return value.map(v -> String.format(Locale.ROOT, "%.4g", v)).orElse("-");
  }

  private static void write(Path file, Map<String, List<Metric>> curves) throws IOException {
    StringBuilder text = new StringBuilder(
        "run,step,loss_nats,learning_rate,gradient_norm,largest_rare_embedding,largest_embedding,tokens_per_second,"
            + "seconds\n");
    curves
        .forEach((run,
            metrics) -> metrics.forEach(metric -> text
                .append(String.join(",", run, Long.toString(metric.step()), Double.toString(metric.loss()),
                    Double.toString(metric.learningRate()), cell(metric.gradientNorm()),
                    cell(metric.largestRareEmbedding()), cell(metric.largestEmbedding()),
                    Double.toString(metric.tokensPerSecond()), Double.toString(metric.seconds())))
                .append('\n')));
    WholeFile.write(file, out -> out.write(text.toString().getBytes(StandardCharsets.UTF_8)));
  }

  private static String cell(Optional<Double> value) {
    return value.map(v -> Double.toString(v)).orElse("");
  }
}
