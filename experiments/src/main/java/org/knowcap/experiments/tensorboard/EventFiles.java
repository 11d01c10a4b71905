package org.knowcap.experiments.tensorboard;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.files.FileFailure;
import org.knowcap.models.engine.routing.RoutingMetrics;

/**
 * The event files of one run. A file's content follows from its first moment and the run's reports, so that what a file lacks is what
 * is behind its present end. Where the reports are others than before, as the run went on from a checkpoint, a new file begins, whose
 * name comes behind the others' and which has all steps: TensorBoard reads the files in the order of their names, and each of our files
 * says at its beginning that earlier steps are void.
 */
final class EventFiles {
  private static final String PREFIX = "events.out.tfevents.";
  private static final String SUFFIX = ".knowcap";

  private final Path folder;

  /** @param folder of the run, which TensorBoard shows by its name */
  EventFiles(Path folder) {
    this.folder = folder;
  }

  /**
   * Brings the files up to date.
   *
   * @param metrics all reports of the run, at least one
   * @param result of the run, if it has one
   * @param now seconds since 1970: the wall time of the last report, where a new file begins
   * @return whether anything was written
   */
  boolean update(List<Metric> metrics, Optional<RunResult> result, double now) throws IOException {
    List<Path> files = files();
    if (!files.isEmpty()) {
      Path last = files.getLast();
      byte[] present = Files.readAllBytes(last);
      if (present.length >= EventWriter.WITH_WALL_TIME) {
        byte[] expected = content(metrics, result, EventWriter.wallTime(present));
        int same = Arrays.mismatch(present, expected);
        if (same < 0) {
          return false;
        }
        if (same == present.length) {
          append(last, Arrays.copyOfRange(expected, present.length, expected.length));
          return true;
        }
      } else {
        // Its first bytes were being written when a process was killed: nobody can have read anything in it.
        Files.delete(last);
      }
    }
    Path file = folder.resolve(PREFIX + String.format(Locale.ROOT, "%010d", number(files) + 1) + SUFFIX);
    Files.createDirectories(folder);
    append(file, content(metrics, result, now - metrics.getLast().seconds()));
    return true;
  }

  private List<Path> files() throws IOException {
    if (Files.notExists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(
          file -> file.getFileName().toString().matches("\\Q" + PREFIX + "\\E\\d{10}\\Q" + SUFFIX + "\\E"))
          .sorted()
          .toList();
    }
  }

  private static long number(List<Path> files) {
    return files.isEmpty()
        ? 0
        : Long.parseLong(
            files.getLast().getFileName().toString().substring(PREFIX.length(), PREFIX.length() + 10));
  }

  private static void append(Path file, byte[] bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      ByteBuffer rest = ByteBuffer.wrap(bytes);
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
    } catch (IOException e) {
      throw FileFailure.of(file, e);
    }
  }

  /** @param began wall time of the training's beginning, had it never paused, seconds since 1970 */
  private static byte[] content(List<Metric> metrics, Optional<RunResult> result, double began) {
    EventWriter writer = new EventWriter(began);
    metrics.forEach(metric -> writer.scalars(began + metric.seconds(), metric.step(), values(metric)));
    result.ifPresent(measured -> writer.scalars(began + metrics.getLast().seconds(), metrics.getLast().step(),
        values(measured)));
    return writer.content();
  }

  private static Map<String, Double> values(Metric metric) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", metric.loss());
    values.put("learning_rate", metric.learningRate());
    values.put("tokens_per_second", metric.tokensPerSecond());
    metric.gradientNorm().ifPresent(norm -> values.put("gradient_norm", norm));
    metric.largestEmbedding().ifPresent(largest -> values.put("largest_embedding", largest));
    metric.largestRareEmbedding().ifPresent(largest -> values.put("largest_rare_embedding", largest));
    for (RoutingMetrics router : metric.routing()) {
      values.put(router.router() + "/dropped", router.dropped());
      values.put(router.router() + "/entropy", router.entropy());
      values.put(router.router() + "/balance", router.balance());
      values.put(router.router() + "/z_loss", router.zLoss());
    }
    metric.measured().ifPresent(point -> {
      values.put("measured/stored_bits", point.storedBits());
      values.put("measured/value_loss_nats", point.valueLossNats());
      point.nameLossNats().ifPresent(loss -> values.put("measured/name_loss_nats", loss));
      point.unseenValueLossNats().ifPresent(loss -> values.put("measured/unseen_value_loss_nats", loss));
    });
    return values;
  }

  private static Map<String, Double> values(RunResult result) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("result/stored_bits", result.storedBits());
    values.put("result/capacity_ratio", result.capacityRatio());
    values.put("result/saturation", result.saturation());
    return values;
  }
}
