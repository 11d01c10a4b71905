package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;
import static org.knowcap.experiments.FileContents.files;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.checkpoint.Safetensors;
import org.knowcap.testing.TimeLimit;
import tools.jackson.databind.JsonNode;

/** A model taken out and brought in again, as a user does it. */
@Tag("process")
class InterchangeCommandsTest {
  private static final String STUDY = """
      name: tiny
      corpus:
        kind: bioS
        people: 6
        pools: {first: 5, middle: 4, last: 10, months: 2, days: 2, years: 4, birth_cities: 3,
          universities: 3, majors: 3, employers: 3}
      models: [{name: gpt2-1-2, head_width: 8, rotary_fraction: 0.5}, gpt2-nomlp-1-1-w8]
      exposures: 12
      training: {batch_size: 2, context_length: 32, learning_rate: 0.003, warmup_steps: 10}
      """;

  @TempDir
  private Path directory;

  private static void fails(int exitCode, String message, Object... arguments) {
    Outcome outcome = InProcess.run(arguments);
    assertEquals(exitCode, outcome.exitCode(), outcome.toString());
    assertTrue(outcome.err().startsWith("knowcap: ") && outcome.err().contains(message), outcome.toString());
  }

  private static JsonNode measured(Path run) {
    return Json.MAPPER.readTree(succeeds("measure", run, "--json").out());
  }

  @Test
  void aModelGoesOutAndComesBackToTheBit() throws Exception {
    Path spec = Files.writeString(directory.resolve("study.yaml"), STUDY);
    Path out = directory.resolve("out");
    InProcess.train(spec, out);
    StudyFolder study = StudyFolder.open(out);
    RunSpec first = study.study().runs().getFirst();
    RunFolder run = study.runFolder(first);

    // What is measured of a checkpoint is what the run's result says.
    JsonNode result = Json.MAPPER.readTree(Files.readString(run.path().resolve("result.json")))
        .path("result");
    // As a user starts it: the command starts a process of its own for the engine.
    JsonNode before = Json.MAPPER.readTree(KnowcapProcess.succeeds("measure", run.path(), "--json").out());
    assertEquals(result.path("stored_bits").asDouble(), before.path("stored_bits").asDouble());
    assertTrue(succeeds("measure", run.path()).out().contains("bits a parameter"));

    Path hf = directory.resolve("hf");
    String message = KnowcapProcess.succeeds("export", run.path(), hf, "--to", "huggingface", "--check")
        .out();
    assertTrue(message.contains("as gpt_neox in " + hf), message);
    Safetensors check = Safetensors.read(hf.resolve("knowcap/check.safetensors"));
    assertArrayEquals(new long[]{4, 32}, check.tensors().get("prompts").shape());
    requireTheCheckFindsEveryChange(hf);
    Path second = directory.resolve("again");
    succeeds("export", run.path(), second, "--to", "huggingface", "--check");
    Map<String, byte[]> expected = files(hf);
    Map<String, byte[]> found = files(second);
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((file, bytes) -> assertArrayEquals(bytes, found.get(file), file));

    // A row for each of the tokenizer's tokens, and back.
    Path padded = directory.resolve("padded");
    succeeds("export", run.path(), padded, "--to", "huggingface", "--pad");
    Path unpadded = directory.resolve("unpadded");
    String note = succeeds("import", padded, "--out", unpadded).out();
    assertTrue(note.contains("belong to no token of the corpus and are left out"), note);
    assertEquals(before.path("parts"), measured(unpadded).path("parts"));
    fails(2, "--pad goes with --to huggingface", "export", run.path(), directory.resolve("no"), "--to",
        "samediff", "--pad");

    // For llama.cpp: only the feed-forward's second matrix has rows of whole blocks.
    Path gguf = directory.resolve("gguf");
    String written = succeeds("export", run.path(), gguf, "--to", "gguf", "--type", "q8_0", "--check").out();
    assertTrue(written.contains("as gptneox in Q8_0 in " + gguf.resolve("model.gguf")), written);
    assertTrue(written.contains("note: 3 matrices are in F16") && !written.contains("ffn_down"), written);
    assertEquals(Set.of("model.gguf", "check.safetensors", "check.json"), files(gguf).keySet());
    for (String[] refused : new String[][]{
        {"gguf", "--type", "q5", "--type must be F32, F16, Q8_0, Q4_0, Q4_K, found 'q5'"},
        {"gguf", "--type", "Q4_K", "q4_k has blocks of 256 weights, and no matrix of"},
        {"huggingface", "--type", "F16", "--type goes with --to gguf"}}) {
      fails(2, refused[3], "export", run.path(), directory.resolve("no"), "--to", refused[0], refused[1],
          refused[2]);
    }
    fails(2, "--check goes with --to huggingface or gguf", "export", run.path(), directory.resolve("no"),
        "--to", "samediff", "--check");

    // Back in, by the study in the folder; then as if others had trained it, by a study file.
    for (boolean embedded : new boolean[]{true, false}) {
      Path back = directory.resolve("back-" + embedded);
      if (embedded) {
        succeeds("import", hf, "--out", back);
      } else {
        Files.move(hf.resolve("knowcap"), directory.resolve("elsewhere"));
        Files.delete(hf.resolve("tokenizer.json"));
        fails(2, "give the study with --study", "import", hf, "--out", back);
        assertFalse(Files.exists(back));
        assertTrue(
            succeeds("import", hf, "--study", spec, "--out", back).out().contains("has no tokenizer.json"));
      }
      JsonNode after = measured(back);
      assertEquals(before.path("stored_bits"), after.path("stored_bits"));
      assertEquals(before.path("parts"), after.path("parts"));
      Safetensors original = Safetensors.read(run.checkpoint());
      Safetensors imported = Safetensors.read(StudyFolder.open(back).runFolder(first).checkpoint());
      imported.tensors()
          .forEach((name, tensor) -> assertArrayEquals(bits(original.tensors().get(name).flat()),
              bits(tensor.flat()), name));
      assertEquals(15, imported.tensors().size());
    }

    // Training goes on from it, and a study does not take it for a run of its own.
    Path imported = directory.resolve("back-true/runs").resolve(first.name());
    Path further = Files.writeString(directory.resolve("further.yaml"),
        STUDY.replace("name: tiny", "name: further")
            .replace(", gpt2-nomlp-1-1-w8", "")
            .replace("training: {", "training: {start: {run: " + imported + "}, "));
    succeeds("run", further, "--out", directory.resolve("further"));
    fails(1, "1 of 2 runs have no result (1 failed)", "run", spec, "--out", directory.resolve("back-true"));

    Path nomlp = study.runFolder(study.study().runs().getLast()).path();
    fails(2, "gpt_neox wants a standard feed-forward, found none", "export", nomlp, directory.resolve("no"),
        "--to", "huggingface");
    fails(2, "gptneox wants a standard feed-forward, found none", "export", nomlp, directory.resolve("no"),
        "--to", "gguf");
    fails(2, "is there already", "export", run.path(), hf, "--to", "huggingface");
    fails(2, "--to must be", "export", run.path(), directory.resolve("no"), "--to", "paper");
    fails(2, "has several runs", "export", out, directory.resolve("no"), "--to", "huggingface");
    fails(2, "is not the folder of a run", "measure", hf);
    byte[] weights = Files.readAllBytes(hf.resolve("model.safetensors"));
    Files.write(hf.resolve("model.safetensors"), Arrays.copyOf(weights, weights.length - 1));
    fails(1, hf.resolve("model.safetensors") + ": truncated", "import", hf, "--study", spec, "--out",
        directory.resolve("no"));
    assertFalse(Files.exists(directory.resolve("no")));
  }

  /** Where Python has what the script needs: transformers agrees, and no setting can change without the check's notice. */
  private void requireTheCheckFindsEveryChange(Path exported) throws Exception {
    String python = Optional.ofNullable(System.getenv("KNOWCAP_PYTHON")).orElse("python3");
    Path said = directory.resolve("check.txt");
    int has = TimeLimit
        .start(new ProcessBuilder("env", python, "-c", "import torch, transformers").redirectErrorStream(true)
            .redirectOutput(said.toFile()))
        .waitFor();
    if (has == 0) {
      int exitCode = TimeLimit
          .start(
              new ProcessBuilder(python, "../scripts/check_hf_export.py", exported.toString(), "--self-test")
                  .redirectErrorStream(true)
                  .redirectOutput(said.toFile()))
          .waitFor();
      assertEquals(0, exitCode, Files.readString(said));
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
