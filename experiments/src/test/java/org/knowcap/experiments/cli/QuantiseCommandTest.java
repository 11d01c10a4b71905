package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.knowcap.experiments.study.Json;
import org.knowcap.models.checkpoint.Safetensors;
import tools.jackson.databind.JsonNode;

/** Quantisation as its user meets it, of models that have learnt something. */
@Tag("process")
class QuantiseCommandTest {
  private static final String STUDY = """
      name: quantised
      corpus: {kind: bioD, people: [20, 21], attributes: 1, chunks: 4, diversity: 32, length: 1, alphabet: 32,
        pools: {first: 5, middle: 4, last: 10}}
      models: gpt2-1-2-w16
      exposures: 250
      training: {batch_size: 4, context_length: 32, learning_rate: 0.005, warmup_steps: 20}
      """;

  @TempDir
  private Path directory;

  @Test
  void modelsAreRoundedMeasuredAndShownBesideTheirRuns() throws Exception {
    Path out = directory.resolve("out");
    InProcess.train(Files.writeString(directory.resolve("study.yaml"), STUDY), out);
    byte[] csv = Files.readAllBytes(out.resolve("results.csv"));
    RunResult trained = ResultsTable.readCsv(out.resolve("results.csv")).results().getFirst();
    assertTrue(trained.saturation() > 0.9, "a model that knows its corpus: " + trained);
    Path run = out.resolve("runs").resolve(trained.run());

    Outcome nearest = KnowcapProcess.succeeds("quantise", run, "--method", "rtn", "--bits", "8,2");
    assertTrue(nearest.out().contains(trained.run() + "/rtn-8-g128") && !nearest.out().contains("calibrated"),
        nearest.out());
    Outcome gptq = succeeds("quantise", run, "--method", "gptq", "--bits", 4, "--act-order");
    assertTrue(gptq.out().contains("calibrated on biographies of 20 of 20 people"), gptq.out());
    succeeds("quantise", run, "--method", "nf4");
    succeeds("quantise", run, "--method", "llmint8");

    Outcome results = succeeds("results", out);
    assertTrue(results.out().lines().anyMatch(line -> line.matches(".* capacity .* bits per .*")),
        results.out());
    ResultsTable table = ResultsTable.readCsv(out.resolve("results.csv"));
    assertEquals(2, table.results().size());
    assertEquals(trained, table.results().getFirst());
    Map<String, QuantisedResult> rows = table.quantised()
        .stream()
        .collect(Collectors.toMap(row -> row.run().run().substring(trained.run().length() + 1), row -> row));
    assertEquals(Set.of("rtn-8-g128", "rtn-2-g128", "gptq-act-order-4-g128", "nf4-g64", "llmint8"),
        rows.keySet());
    assertEquals(trained.run(), table.rows().getFirst().run().run());
    assertTrue(table.rows().subList(1, 6).stream().allMatch(QuantisedResult::quantised), "beside their run");

    RunResult eight = rows.get("rtn-8-g128").run();
    assertEquals(trained.storedBits(), eight.storedBits(), 0.01 * trained.storedBits(),
        "8 bits lose nothing");
    assertEquals(trained.storedBits(), rows.get("llmint8").run().storedBits(), 0.01 * trained.storedBits());
    // This model has room to spare, so even two bits a weight leave it much.
    double lost = trained.storedBits() - rows.get("rtn-2-g128").run().storedBits();
    assertTrue(lost > 10 && lost > 10 * Math.abs(trained.storedBits() - eight.storedBits()),
        "2 bits lose most");
    for (QuantisedResult row : rows.values()) {
      assertEquals(trained.totalBits(), row.run().totalBits());
      assertEquals(trained.tokens(), row.run().tokens());
      assertEquals(row.run().storedBits() / row.modelBits(), row.capacityPerBit(), 1e-12);
    }
    // d = 32: the block's matrices have 96, 32 and 128 outputs of 32 inputs, and 32 of 128: of each output a group, with a
    // scale of 16 bits and a zero of 2; all else 32 bits a parameter.
    long weights = 12 * 32 * 32;
    assertEquals(2 * weights + (96 + 32 + 128 + 32) * 18 + 32 * (trained.parameters() - weights),
        rows.get("rtn-2-g128").modelBits());

    succeeds("report", out);
    String page = Files.readString(out.resolve("report/index.html"));
    assertTrue(page.contains("Weights of few bits") && page.contains("gptq-act-order")
        && page.contains("weight-bits.svg"), "report");
    JsonNode json = Json.MAPPER.readTree(succeeds("results", out, "--json").out());
    assertEquals(List.of(32, 4, 8, 4, 2, 8, 32),
        json.valueStream().map(row -> row.get("weight_bits").asInt()).toList());

    assertDoneIsLeftAlone(run);
    assertWeightsAreWritten(run);
    assertMisuseIsTold(out, table.results(), run);

    try (Stream<Path> files = Files.walk(run.resolve("quantised"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.delete(file);
      }
    }
    Files.move(out.resolve("moved-result.json"),
        out.resolve("runs").resolve(table.results().get(1).run()).resolve("result.json"));
    succeeds("results", out);
    assertEquals(new String(csv, StandardCharsets.UTF_8), Files.readString(out.resolve("results.csv")),
        "as if there had been none");
  }

  private void assertDoneIsLeftAlone(Path run) throws Exception {
    Path result = run.resolve("quantised/nf4-g64/result.json");
    Object before = Files.getLastModifiedTime(result);
    assertTrue(succeeds("quantise", run, "--method", "nf4").out().contains("/nf4-g64"));
    assertEquals(before, Files.getLastModifiedTime(result));
  }

  /** Each group of the file's weights has at most four values; what is kept is as in the run's checkpoint. */
  private void assertWeightsAreWritten(Path run) throws Exception {
    Path file = directory.resolve("rounded.safetensors");
    succeeds("quantise", run, "--method", "rtn", "--bits", 2, "--group", 16, "--out", file);
    Map<String, Safetensors.Array> rounded = Safetensors.read(file).tensors();
    Map<String, Safetensors.Array> trained = Safetensors.read(run.resolve("checkpoint.safetensors"))
        .tensors();
    assertEquals(trained.keySet().stream().filter(name -> !name.contains("/")).collect(Collectors.toSet()),
        rounded.keySet());
    rounded.forEach((name, array) -> {
      if (name.startsWith("block") && name.endsWith("weight")) {
        int columns = (int) array.shape()[1];
        for (int input = 0; input < array.shape()[0]; input += 16) {
          Set<Float> values = new HashSet<>();
          for (int i = input; i < input + 16; i++) {
            values.add(array.flat()[array.offset() + i * columns]);
          }
          assertTrue(values.size() <= 4, name + ": " + values);
        }
      } else {
        Safetensors.Array kept = trained.get(name);
        assertTrue(Arrays.equals(kept.flat(), kept.offset(), kept.offset() + kept.size(), array.flat(),
            array.offset(), array.offset() + array.size()), name);
      }
    });
  }

  private record Misuse(int exitCode, List<Object> arguments, List<String> complaint) {}

  private static Misuse misuse(int exitCode, Path run, String options, String... complaint) {
    List<Object> arguments = Stream
        .concat(Stream.of("quantise", run), Stream.of(options.split(" ")).map(Object.class::cast))
        .toList();
    return new Misuse(exitCode, arguments, List.of(complaint));
  }

  private void assertMisuseIsTold(Path out, List<RunResult> runs, Path run) throws Exception {
    Path unfinished = out.resolve("runs").resolve(runs.get(1).run());
    Files.move(unfinished.resolve("result.json"), out.resolve("moved-result.json"));
    byte[] checkpoint = Files.readAllBytes(run.resolve("checkpoint.safetensors"));
    Path changed = copyOfStudy(out, "changed", run);
    StudyFolder study = StudyFolder.open(out);
    RunSpec spec = study.run(run.getFileName().toString());
    Program program = Program.scoring(spec.model(), RunSpec.ids(spec.corpus()), 1, 1);
    Checkpoint read = Checkpoint.read(run.resolve("checkpoint.safetensors"), program);
    read.state().get(Session.PARAMETERS)[0] += 1;
    read.write(changed.resolve("checkpoint.safetensors"), program);
    Path truncated = copyOfStudy(out, "truncated", run);
    Files.write(truncated.resolve("checkpoint.safetensors"),
        Arrays.copyOf(checkpoint, checkpoint.length / 2));
    Path without = copyOfStudy(out, "without", run);
    Files.delete(without.resolve("checkpoint.safetensors"));

    List<Misuse> misuses = List.of(misuse(2, run, "--bits 4", "--method"),
        misuse(2, run, "--method awq --bits 4", "rtn, gptq, nf4, llmint8 or one of", "ternary", "'awq'"),
        misuse(2, run, "--method q8_0 --bits 8", "--bits is not for q8_0"),
        misuse(2, run, "--method mxfp4 --group 32", "--group is not for mxfp4"),
        misuse(1, run, "--method q4_k", "q4_k has blocks of 256 weights", "its rows have 32, 128 weights"),
        misuse(2, run, "--method gptq", "--bits is missing", "gptq"),
        misuse(2, run, "--method rtn --bits 5", "8, 4, 3 or 2", "found 5"),
        misuse(2, run, "--method nf4 --bits 3", "--bits of nf4 must be 4", "found 3"),
        misuse(2, run, "--method llmint8 --bits 4", "--bits of llmint8 must be 8", "found 4"),
        misuse(2, run, "--method llmint8 --group 8", "--group", "llmint8"),
        misuse(2, run, "--method gptq --bits 4 --group 0", "at least 1 weight", "found 0"),
        misuse(2, run, "--method nf4 --group -1", "at least 1 weight", "found -1"),
        misuse(2, run, "--method rtn --bits 4 --act-order", "--act-order", "rtn"),
        misuse(2, run, "--method rtn --bits 4,8 --out " + directory.resolve("no"), "--out", "1 and 2"),
        misuse(2, out, "--method rtn --bits 4", out.toString(), "is not the folder of a run"),
        misuse(2, directory.resolve("none"), "--method rtn --bits 4", "is not the folder of a run"),
        misuse(1, unfinished, "--method rtn --bits 4", runs.get(1).run(), "was interrupted", "knowcap run"),
        misuse(1, changed, "--method gptq --bits 4", "result.json", "it belongs to a checkpoint",
            "and checkpoint.safetensors has"),
        misuse(1, truncated, "--method rtn --bits 4", "checkpoint.safetensors", "truncated"), misuse(1,
            without, "--method rtn --bits 4", "checkpoint.safetensors is not there", "train the run again"));
    assertAll(misuses.stream().<Executable>map(misuse -> {
      Outcome outcome = InProcess.run(misuse.arguments.toArray());
      return () -> {
        assertEquals(misuse.exitCode, outcome.exitCode(), () -> misuse + ": " + outcome);
        List<String> lines = outcome.err().lines().filter(line -> !line.startsWith("Try 'knowcap ")).toList();
        assertEquals(1, lines.size(), outcome.toString());
        misuse.complaint.forEach(part -> assertTrue(outcome.err().contains(part),
            () -> "'" + part + "' is not in: " + outcome.err()));
        assertEquals("", outcome.out());
      };
    }).toList());
    for (Path spared : List.of(unfinished, changed, truncated, without)) {
      assertFalse(Files.exists(spared.resolve("quantised")), "nothing half-written in " + spared);
    }
    assertFalse(Files.exists(directory.resolve("no")));
  }

  /** A study's folder again, with one of its runs; gives that run's folder. */
  private Path copyOfStudy(Path study, String name, Path run) throws Exception {
    Path copy = Files.createDirectories(directory.resolve(name).resolve("runs").resolve(run.getFileName()));
    Files.copy(study.resolve("study.yaml"), directory.resolve(name).resolve("study.yaml"));
    try (Stream<Path> files = Files.list(run)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }
}
