package org.knowcap.experiments.bench.gpu;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.bench.TrainingShape;
import org.knowcap.experiments.bench.gpu.GpuItem.Kind;
import org.knowcap.experiments.bench.gpu.GpuLine.Status;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.program.Operation;
import org.knowcap.models.program.Program;

/**
 * The page and the JSON file that are made of all lines of gpu.jsonl. The last line of an item counts, except lines
 * that say it was skipped.
 *
 * @param broken lines that were cut off
 */
public record GpuPage(List<GpuLine> lines, int broken) {
  /** The page of all lines of a file. */
  public static GpuPage of(GpuLog.Lines all) {
    Map<String, GpuLine> last = new LinkedHashMap<>();
    for (GpuLine line : all.lines()) {
      if (line.status() != Status.SKIPPED || !last.containsKey(line.item())) {
        last.put(line.item(), line);
      }
    }
    return new GpuPage(List.copyOf(last.values()), all.broken());
  }

  /**
   * A speed with what it is of the GPU's.
   *
   * @param predicted tokens a second by {@link GpuPrediction}, on cards that it knows
   */
  public record Row(String shape, double tokensPerSecond, Optional<Double> predicted,
      Optional<Double> utilisation, Optional<Double> roofline, Optional<GpuResult.Peer> peer) {}

  private <T extends GpuResult> List<T> results(Kind kind, Class<T> type) {
    List<T> found = new ArrayList<>();
    for (GpuLine line : lines) {
      if (line.status() == Status.OK && GpuItem.parse(line.item()).kind() == kind) {
        found.add(Json.MAPPER.treeToValue(line.result(), type));
      }
    }
    return found;
  }

  private Optional<GpuResult.Meter> meter() {
    return results(Kind.METER, GpuResult.Meter.class).stream().findFirst();
  }

  private List<GpuResult.Parity> parity() {
    return results(Kind.PARITY, GpuResult.Parity.class);
  }

  /** Whether nothing failed, and the engine agrees with the cpu engine in all items that compare them. */
  public boolean holds() {
    return failures().isEmpty() && parity().stream().allMatch(GpuResult.Parity::holds);
  }

  private List<GpuLine> failures() {
    return lines.stream()
        .filter(line -> line.status() == Status.FAILED || line.status() == Status.TIMEOUT)
        .toList();
  }

  /** Speeds of shapes. */
  public List<Row> speeds() {
    return results(Kind.SPEED, GpuResult.Speed.class).stream().map(speed -> {
      TrainingShape shape = GpuItem.shape(speed.shape());
      double rate = speed.tokensPerSecond();
      return new Row(speed.shape(), rate, predicted(shape).map(GpuPrediction::tokensPerSecond),
          meter().map(meter -> rate * shape.flopsPerToken() / (meter.matmulTeraflops() * 1e12)),
          meter().map(meter -> leastSeconds(shape.program(), meter) * rate / shape.tokens()),
          results(Kind.PEER, GpuResult.Peer.class).stream()
              .filter(peer -> peer.shape().equals(speed.shape()))
              .max(Comparator.comparingDouble(GpuResult.Peer::tokensPerSecond)));
    }).toList();
  }

  /** What the model of launches says of this card; nothing of lines of several cards. */
  private Optional<GpuPrediction> predicted(TrainingShape shape) {
    return chip().map(chip -> GpuPrediction.of(shape, chip));
  }

  private Optional<GpuPrediction.Chip> chip() {
    return cards().size() == 1 ? GpuPrediction.Chip.of(cards().getFirst()) : Optional.empty();
  }

  /**
   * The least seconds of a step: for each operation the time of its matmuls or of its bf16 bytes, whichever is
   * longer, and the time of the update's bytes.
   */
  private static double leastSeconds(Program program, GpuResult.Meter meter) {
    double matmuls = meter.matmulTeraflops() * 1e12;
    double copied = meter.copyTerabytes() * 1e12;
    double least = 7 * 4.0 * program.parameterCount() / copied;
    for (Operation operation : program.operations()) {
      least += Math.max(operation.flops() / matmuls, operation.bytes() / 2.0 / copied);
    }
    return least;
  }

  /** What was measured, without what it is compared with. */
  private record Summary(List<String> cards, List<String> commits, Optional<GpuResult.Meter> meter,
      List<GpuResult.Parity> parity, List<Row> speeds, List<GpuResult.Fused> fused,
      List<GpuResult.Profile> profiles, List<GpuResult.Exported> exported, List<GpuResult.Peer> peer,
      List<GpuLine> failures, List<String> skipped, int broken) {}

  /** The content of gpu.json. */
  public String json() {
    return Json.MAPPER.writeValueAsString(new Summary(cards(), commits(), meter(), parity(), speeds(),
        results(Kind.FUSED, GpuResult.Fused.class), results(Kind.PROFILE, GpuResult.Profile.class),
        results(Kind.EXPORT, GpuResult.Exported.class), results(Kind.PEER, GpuResult.Peer.class), failures(),
        skipped(), broken)) + "\n";
  }

  private List<String> cards() {
    return lines.stream().map(GpuLine::card).filter(card -> !card.isEmpty()).distinct().toList();
  }

  private List<String> commits() {
    return lines.stream().map(GpuLine::commit).distinct().toList();
  }

  private List<String> skipped() {
    return lines.stream().filter(line -> line.status() == Status.SKIPPED).map(GpuLine::item).toList();
  }

  /** The content of README.md. */
  public String markdown() {
    StringBuilder text = new StringBuilder(
        "# The cuda engine on " + (cards().isEmpty() ? "no GPU" : String.join(" and ", cards())) + "\n");
    results(Kind.MACHINE, GpuResult.Machine.class).forEach(machine -> text.append("\n")
        .append(machine.engine())
        .append(machine.handicap().isEmpty() ? "" : ". Slow: " + machine.handicap())
        .append(".\n"));
    if (cards().stream().anyMatch(card -> card.contains("MIG"))) {
      text.append("\nThis is a slice of a GPU (MIG): its figures are not the card's.\n");
    }
    if (cards().size() > 1) {
      text.append("\nLines of several GPUs: figures must not be compared.\n");
    }
    meter().ifPresent(meter -> text.append(String.format(Locale.ROOT,
        "%nOne large bf16 matmul of random numbers: %.0f TFLOP/s. Memory: %.2f TB/s, read and written.%n",
        meter.matmulTeraflops(), meter.copyTerabytes())));
    parity(text);
    speeds(text);
    fused(text);
    results(Kind.PROFILE, GpuResult.Profile.class).forEach(profile -> profile(profile, text));
    List<GpuResult.Exported> exported = results(Kind.EXPORT, GpuResult.Exported.class);
    if (!exported.isEmpty()) {
      text.append("\nExported models against transformers:\n\n");
      exported.forEach(each -> text.append("- " + each.model() + ": " + each.said() + "\n"));
    }
    failures()
        .forEach(line -> text.append("\nFAILED: " + line.item() + ": " + line.error().orElse("") + "\n"));
    if (!skipped().isEmpty()) {
      text.append("\nNot measured, for want of time: " + String.join(", ", skipped()) + "\n");
    }
    if (broken > 0) {
      text.append("\nLines cut off and not read: " + broken + "\n");
    }
    String debug = lines.stream()
        .map(GpuLine::debug)
        .filter(each -> !each.isEmpty())
        .distinct()
        .collect(Collectors.joining("; "));
    if (!debug.isEmpty()) {
      text.append("\nSome lines were measured with debug switches: " + debug + "\n");
    }
    text.append("\nCommit " + String.join(" and ", commits()) + ".\n");
    return text.toString();
  }

  private void parity(StringBuilder text) {
    if (parity().isEmpty()) {
      return;
    }
    text.append(
        "\nAgainst the cpu engine in fp32: ten steps' losses in nats, the first gradient in parts of the"
            + " largest, and the parameter whose gradient is farthest off, in parts of its length.\n\n"
            + "| model | precision | loss | gradient | tolerance | parameter | off | tolerance | |\n"
            + "|---|---|---|---|---|---|---|---|---|\n");
    for (GpuResult.Parity each : parity()) {
      text.append(String.format(Locale.ROOT, "| %s | %s | %.2g | %.2g | %.2g | %s | %.2g | %.2g | %s |%n",
          each.model(), each.precision().name().toLowerCase(Locale.ROOT), each.loss(), each.gradient(),
          each.tolerance(), each.parameter(), each.parameterGradient(), each.parameterTolerance(),
          each.holds() ? "holds" : "FAILS"));
    }
  }

  private void speeds(StringBuilder text) {
    if (speeds().isEmpty()) {
      return;
    }
    text.append(
        "\nTraining in bf16 with AdamW every step. Utilisation is model operations over one large matmul's;"
            + " roofline the least time that this GPU's matmuls and memory allow, over the time taken."
            + chip()
                .map(chip -> " Predicted: by the model of launches for an " + chip.name() + " (docs/gpu.md).")
                .orElse("")
            + "\n\n| shape | tokens/s | predicted | of predicted | PyTorch | mode | ratio | utilisation | roofline |\n"
            + "|---|---|---|---|---|---|---|---|---|\n");
    for (Row row : speeds()) {
      text.append("| " + row.shape + " | " + Units.brief(row.tokensPerSecond) + " | "
          + row.predicted.map(rate -> Units.brief(rate) + " | " + Units.percent(row.tokensPerSecond / rate))
              .orElse("|")
          + " | "
          + row.peer
              .map(peer -> Units.brief(peer.tokensPerSecond()) + " | " + peer.mode() + " | "
                  + String.format(Locale.ROOT, "%.2f", row.tokensPerSecond / peer.tokensPerSecond()))
              .orElse("| |")
          + " | " + row.utilisation.map(Units::percent).orElse("") + " | "
          + row.roofline.map(Units::percent).orElse("") + " |\n");
    }
    List<GpuResult.Peer> peers = results(Kind.PEER, GpuResult.Peer.class);
    if (!peers.isEmpty()) {
      text.append("\nPyTorch's fastest mode of those measured on the same GPU: "
          + peers.stream().map(GpuResult.Peer::versions).distinct().collect(Collectors.joining("; "))
          + ".\n");
    }
  }

  private void fused(StringBuilder text) {
    for (GpuResult.Fused fused : results(Kind.FUSED, GpuResult.Fused.class)) {
      text.append("\nSeveral runs that train as one ('--concurrent'), against one by itself:\n\n"
          + "| shape | runs at once | tokens/s of all | of one alone | ratio |\n|---|---|---|---|---|\n| "
          + fused.shape() + " | " + fused.runs() + " | " + Units.brief(fused.tokensPerSecond()) + " | "
          + Units.brief(fused.alone()) + " | "
          + String.format(Locale.ROOT, "%.2f", fused.tokensPerSecond() / fused.alone()) + " |\n");
    }
  }

  private void profile(GpuResult.Profile profile, StringBuilder text) {
    double sum = profile.launches().stream().mapToDouble(GpuResult.Launch::seconds).sum();
    Optional<GpuPrediction> predicted = predicted(GpuItem.shape(profile.shape()));
    Map<GpuResult.Launch, Double> each = new HashMap<>();
    predicted.ifPresent(prediction -> prediction.launches()
        .forEach(timed -> each.put(GpuResult.Launch.of(timed.launch(), 0), timed.seconds())));
    text.append(String.format(Locale.ROOT,
        "%nA step of %s takes %.0f us as one graph; its launches one by one %.0f us (%.1f us taken off each for"
            + " the noting of the time). Roofline: the least time that this GPU's matmuls and memory allow over"
            + " the time taken.%s%n%n| # | kernel | blocks of threads | us | predicted | GB/s | TFLOP/s | roofline |%n"
            + "|---|---|---|---|---|---|---|---|%n",
        profile.shape(), profile.stepSeconds() * 1e6, sum * 1e6, profile.markSeconds() * 1e6,
        predicted
            .map(prediction -> String.format(Locale.ROOT, " Predicted for an %s were %d launches of %.0f us.",
                prediction.chip().name(), prediction.launches().size(), prediction.seconds() * 1e6))
            .orElse("")));
    int number = 0;
    for (GpuResult.Launch launch : profile.launches()) {
      Optional<Double> roofline = meter().map(
          meter -> Math.max(launch.flops() / meter.matmulTeraflops(), launch.bytes() / meter.copyTerabytes())
              / 1e12 / launch.seconds());
      Optional<Double> expected = Optional.ofNullable(each.get(launch.untimed()));
      text.append(String.format(Locale.ROOT, "| %d | %s | %s | %.1f | %s | %.0f | %.1f | %s |%n", ++number,
          launch.kernel(), launch.grid(), launch.seconds() * 1e6,
          expected.map(seconds -> String.format(Locale.ROOT, "%.1f", seconds * 1e6)).orElse(""),
          launch.bytes() / launch.seconds() / 1e9, launch.flops() / launch.seconds() / 1e12,
          roofline.filter(part -> launch.bytes() > 0 && Double.isFinite(part))
              .map(Units::percent)
              .orElse("")));
    }
  }
}
