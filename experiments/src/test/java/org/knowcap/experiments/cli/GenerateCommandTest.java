package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.knowcap.experiments.cli.InProcess.succeeds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.study.Json;
import org.knowcap.testing.TimeLimit;

/** Corpora as files, from the command line. */
@Tag("process")
class GenerateCommandTest {
  private static final String REST = """
      models: gpt2-1-2
      exposures: 12
      training: {batch_size: 2, context_length: 32, warmup_steps: 1}
      """;

  @TempDir
  private Path directory;

  private Path study(String corpus) throws IOException {
    return Files.writeString(directory.resolve("study.yaml"), "name: tiny\ncorpus:\n" + corpus + REST);
  }

  @Test
  void aCorpusIsWrittenAndVerified() throws Exception {
    Path lists = Files.createDirectory(directory.resolve("lists"));
    Files.writeString(lists.resolve("city.txt"), "Athens, GA\nBoise, ID\n");
    Path spec = study("  {kind: bioS, people: [6, 12], pools: {dir: lists, first: 5}}\n");
    Path out = directory.resolve("corpus");
    Outcome outcome = succeeds("generate", spec, "--out", out, "--people", 12, "--exposures", 3, "--format",
        "jsonl,nanogpt");
    assertTrue(outcome.out().contains("bioS(12)") && outcome.out().contains("5 files"), outcome.out());
    Set<String> texts = new HashSet<>();
    for (String line : Files.readAllLines(out.resolve("jsonl/biographies-00000-of-00001.jsonl"))) {
      texts.add(Json.MAPPER.readTree(line).get("text").asString());
    }
    assertEquals(36, texts.size());

    // The study is gone, and its directory is another: the manifest is enough.
    Files.delete(spec);
    Outcome verified = succeeds("generate", "--verify", out);
    assertTrue(verified.out().contains("all 5 files are what they should be"), verified.out());

    Path tokens = out.resolve("nanogpt/train.bin");
    byte[] bytes = Files.readAllBytes(tokens);
    bytes[100]++;
    Files.write(tokens, bytes);
    Outcome changed = InProcess.run("generate", "--verify", out);
    assertEquals(1, changed.exitCode(), changed.toString());
    assertEquals("nanogpt/train.bin has been changed, first at byte 100 (counted from 0)\n", changed.out());
    assertTrue(changed.err().startsWith("knowcap: " + out), changed.err());

    Files.writeString(lists.resolve("city.txt"), "Athens, GA\nBoston, MA\n");
    Outcome other = InProcess.run("generate", "--verify", out);
    assertEquals(2, other.exitCode(), other.toString());
    assertTrue(other.err().contains("its lists have changed since"), other.err());
  }

  /** A longer warm-up than the run, a model that is none, a start that is nowhere: all of no use for a corpus. */
  @Test
  void whatIsOnlyForTrainingDoesNotMatter() throws Exception {
    Path spec = Files.writeString(directory.resolve("study.yaml"), """
        name: tiny
        corpus: {kind: bioS, people: 12}
        models: gpt9
        exposures: 1
        seeds: {corpus: [1, 1, 2], order: [5, 6, 5]}
        training: {context_length: 32, warmup_steps: 1000, start: {run: nowhere}}
        """);
    assertTrue(succeeds("generate", spec, "--describe", "--seed", 2).out().contains("bioS(12)"));
    succeeds("generate", spec, "--out", directory.resolve("five"), "--seed", 1, "--order-seed", 5);
    succeeds("generate", "--verify", directory.resolve("five"));
    Outcome several = InProcess.run("generate", spec, "--describe", "--seed", 1);
    assertEquals(2, several.exitCode(), several.toString());
    assertTrue(several.err().contains("several values for --order-seed: [5, 6]"), several.err());
  }

  @Test
  void aMixtureIsWrittenAndNotMixedWithAnother() throws Exception {
    Path spec = study(
        """
              kind: mixture
              sources:
                - {share: 0.5, token: <useful>, corpus: {kind: bioS-simple, people: 20}}
                - share: 0.5
                  corpus: {kind: bioD, people: 100, attributes: 2, chunks: 1, diversity: 9, length: 1, alphabet: 9}
            """);
    Path out = directory.resolve("corpus");
    succeeds("generate", spec, "--out", out, "--exposures", 4, "--format", "txt,llmc");
    succeeds("generate", "--verify", out);
    Outcome other = InProcess.run("generate", spec, "--out", out, "--exposures", 5, "--format", "txt,llmc");
    assertEquals(2, other.exitCode(), other.toString());
    assertTrue(other.err().contains("settings.exposures is 4, not 5"), other.err());
  }

  /** A limit on the size of files stands for a full disk: writing fails in the same way. */
  @Test
  void aFullDiskIsToldAndLeavesNothingHalfWritten() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
    Path spec = study("  {kind: bioS, people: 12}\n");
    Path out = directory.resolve("corpus");
    String[] arguments = {"generate", spec.toString(), "--out", out.toString(), "--exposures", "300",
        "--format", "txt,parquet"};
    List<String> limited = new ArrayList<>(List.of("/bin/sh", "-c", "ulimit -f 1000; exec \"$0\" \"$@\""));
    limited.addAll(KnowcapProcess.java(Knowcap.class, List.of("-XX:-UsePerfData"), arguments).command());
    Path err = directory.resolve("err.txt");
    Process process = TimeLimit
        .start(new ProcessBuilder(limited).redirectOutput(directory.resolve("out.txt").toFile())
            .redirectError(err.toFile()));
    assertEquals(1, process.waitFor());
    String message = Files.readString(err);
    assertTrue(
        message.startsWith("knowcap: cannot write the corpus to " + out + ": " + out.resolve("txt"))
            && message.contains("File too large") && message.contains("the same command goes on from there"),
        message);
    assertEquals(1, message.lines().count(), message);
    assertFalse(Files.exists(out.resolve("manifest.json")));
    assertFalse(Files.exists(out.resolve("txt/biographies-00000-of-00001.txt")));

    succeeds((Object[]) arguments);
    succeeds("generate", "--verify", out);
  }
}
