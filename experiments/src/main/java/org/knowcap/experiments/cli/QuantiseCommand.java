package org.knowcap.experiments.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.MeasuredQuantisation;
import org.knowcap.experiments.quantise.Quantisation;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.runner.ChildProcess;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.quantisation.Gptq;
import org.knowcap.models.quantisation.Int8WithOutliers;
import org.knowcap.models.quantisation.NormalFloat;
import org.knowcap.models.quantisation.Quantiser;
import org.knowcap.models.quantisation.RoundToNearest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Quantises trained models and measures them. */
@Command(
    name = "quantise",
    aliases = "quantize",
    mixinStandardHelpOptions = true,
    description = "Rounds the weights of finished runs' models to a few bits and measures what they then store. 'results' and"
        + " 'report' of their study show it beside the runs. Models that have been measured are skipped.")
final class QuantiseCommand implements Callable<Integer> {
  private static final int NF4_BLOCK = 64;

  @Spec
  private CommandSpec command;

  @Parameters(arity = "1..*", paramLabel = "RUN", description = "Folders of runs: DIR/runs/NAME.")
  private List<Path> runs;

  @Option(
      names = "--method",
      required = true,
      paramLabel = "METHOD",
      description = "rtn (round to nearest), gptq, nf4, llmint8, q8_0, q4_0, q4_k, fp8_e4m3, fp8_e5m2, mxfp4, nvfp4 or"
          + " ternary.")
  private String method;

  @Option(
      names = "--bits",
      split = ",",
      paramLabel = "B",
      description = "Bits of a weight, one or more of 8, 4, 3 and 2, with commas. nf4 has 4, llmint8 has 8.")
  private List<Integer> bits = List.of();

  @Option(
      names = "--group",
      paramLabel = "G",
      description = "Weights that share a scale; a row's last group may be smaller. Default: "
          + RoundToNearest.USUAL_GROUP + "; for nf4, " + NF4_BLOCK + ".")
  private Optional<Integer> group;

  @Option(names = "--act-order", description = "For gptq: round the inputs that matter most first.")
  private boolean actOrder;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write the rounded weights too, as a checkpoint (safetensors, fp32).")
  private Optional<Path> out;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "1",
      description = "Threads of the engines. Default: ${DEFAULT-VALUE}")
  private int threads;

  @Override
  public Integer call() throws Exception {
    UserException.requireAtLeastOne("--threads", threads);
    List<Quantiser> quantisers = UserException.judged(this::quantisers);
    if (out.isPresent() && runs.size() * quantisers.size() > 1) {
      throw UserException.usage("--out is one file, for one run and one number of bits; found " + runs.size()
          + " and " + quantisers.size());
    }
    List<Quantisation> quantisations = runs.stream().map(this::quantisation).toList();
    if (!ChildProcess.hasVectors()) {
      return OwnProcess.again(command, threads);
    }
    for (Quantisation quantisation : quantisations) {
      for (Quantiser quantiser : quantisers) {
        print(quantisation.execute(quantiser, out));
      }
    }
    return 0;
  }

  private Quantisation quantisation(Path run) {
    StudyFolder study = StudyFolder.ofRun(run);
    RunSpec spec = study.run(run.toAbsolutePath().normalize().getFileName().toString());
    return new Quantisation(spec, study.runFolder(spec), threads);
  }

  private List<Quantiser> quantisers() {
    if (actOrder && !method.equals("gptq")) {
      throw UserException.usage("--act-order is for gptq; " + method + " rounds every weight by itself");
    }
    return switch (method) {
      case "rtn" ->
          widths().map(b -> (Quantiser) new RoundToNearest(b, group.orElse(RoundToNearest.USUAL_GROUP)))
              .toList();
      case "gptq" ->
          widths().map(b -> (Quantiser) new Gptq(b, group.orElse(RoundToNearest.USUAL_GROUP), actOrder))
              .toList();
      case "nf4" -> {
        requireBits(4);
        yield List.of(new NormalFloat(group.orElse(NF4_BLOCK)));
      }
      case "llmint8" -> {
        requireBits(8);
        group.ifPresent(value -> {
          throw UserException.usage("--group is not for llmint8, which has one scale for each output");
        });
        yield List.of(new Int8WithOutliers());
      }
      default -> List.of(fixed());
    };
  }

  private Quantiser fixed() {
    Quantiser fixed = Quantiser.fixed(method)
        .orElseThrow(() -> UserException.usage("--method must be rtn, gptq, nf4, llmint8 or one of "
            + Quantiser.fixedNames() + ", found '" + method + "'"));
    if (!bits.isEmpty() || group.isPresent()) {
      throw UserException.usage(
          (bits.isEmpty() ? "--group" : "--bits") + " is not for " + method + ", whose format fixes it");
    }
    return fixed;
  }

  private Stream<Integer> widths() {
    if (bits.isEmpty()) {
      throw UserException.usage("--bits is missing: " + method + " has 8, 4, 3 and 2");
    }
    return bits.stream().distinct();
  }

  private void requireBits(int only) {
    if (bits.stream().anyMatch(b -> b != only)) {
      throw UserException.usage("--bits of " + method + " must be " + only + ", found " + join(bits)
          + "; rtn and gptq have 8, 4, 3 and 2");
    }
  }

  private static String join(List<?> items) {
    return items.stream().map(Object::toString).collect(Collectors.joining(","));
  }

  private void print(MeasuredQuantisation measured) {
    PrintWriter console = command.commandLine().getOut();
    QuantisedResult row = measured.result();
    RunResult result = row.run();
    console.println(result.run());
    console.printf(Locale.ROOT, "  %s bits a weight, %s bits a parameter in all%s%n",
        Units.number(row.bitsPerWeight(), 3), Units.number(row.modelBits() / result.parameters(), 3),
        measured.calibrationPeople() == 0
            ? ""
            : "; calibrated on biographies of " + Units.count(measured.calibrationPeople()) + " of "
                + Units.count(result.people()) + " people");
    console.printf(Locale.ROOT,
        "  stores %s, %s of the corpus: R = %s, and %s bits for each bit of the model%n",
        Units.bits(result.storedBits(), result.storedBitsStandardError()), Units.percent(result.saturation()),
        Units.ratio(result.capacityRatio()), Units.ratio(row.capacityPerBit()));
    console.flush();
  }
}
