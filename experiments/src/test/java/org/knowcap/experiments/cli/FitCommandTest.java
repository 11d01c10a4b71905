package org.knowcap.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.KnowcapProcess.Outcome;
import org.knowcap.experiments.study.Json;
import tools.jackson.databind.JsonNode;

/** Laws as their user meets them, fitted to the results in the repository. */
class FitCommandTest {
  private static final Path RESULTS = Path.of("").toAbsolutePath().getParent().resolve("results");
  private static final Path LAW = RESULTS.resolve("cpu-law-first/results.csv");
  private static final Path SEEDS = RESULTS.resolve("cpu-law-first/seeds-1000.csv");

  @TempDir
  private Path directory;

  private static void assertRefused(String message, Object... words) {
    Outcome ended = InProcess.run(words);
    assertEquals(2, ended.exitCode(), ended.toString());
    assertTrue(ended.err().contains(message), ended.err());
    assertEquals(1, ended.err().lines().filter(line -> !line.startsWith("note: ")).count(), ended.err());
  }

  @Test
  void theCapacityLawIsPrintedWithItsChecklistAndDrawn() throws Exception {
    Outcome text = InProcess.run("fit", LAW, SEEDS, "--published", "--charts", directory);
    assertEquals(0, text.exitCode(), text.err());
    assertTrue(text.out().contains("== gpt2, bioD(N, 2, 8, 64, 1, 64), 1,000 exposures =="), text.out());
    assertTrue(text.out().contains("No cell is known to be limited by its model"), text.out());
    assertTrue(text.out().contains("left out: "), text.out());
    assertTrue(text.out().contains("at another scale, not points."), text.out());
    assertTrue(Files.size(directory.resolve("capacity-law.png")) > 10_000);
    assertTrue(Files.exists(directory.resolve("capacity-residuals.svg")));
    JsonNode json = Json.MAPPER.readTree(InProcess.run("fit", LAW, SEEDS, "--json").out());
    JsonNode law = json.get("laws").get(1);
    assertEquals(1000, law.get("exposures").intValue());
    assertEquals(5, law.get("checklist").get("points_used").intValue());
    // These tables do not say what limits their runs, so that the line through the peaks is no law.
    assertTrue(law.get("law").get("gamma").get("low").isNull(), law.toString());
    assertTrue(law.get("summary").get(1).stringValue().endsWith("This describes them and is no law."));
    // The means over three seeds: those of the study, and two more.
    assertEquals(3, law.get("peaks").get(0).get("seeds").intValue());
  }

  @Test
  void exposuresAndLossesAreFitted() throws Exception {
    JsonNode exposures = Json.MAPPER
        .readTree(InProcess.run("fit", LAW, "--law", "exposures", "--json").out());
    assertEquals(20, exposures.size());
    assertEquals(100, exposures.get(0).get("points").get(0).get("exposures").intValue());
    StringBuilder table = new StringBuilder("parameters,tokens,loss\n");
    for (double n = 1e6; n < 3e8; n *= 3) {
      for (double d = 1e8; d < 1e11; d *= 5) {
        table.append(n + "," + d + "," + (1.8 + 400 * Math.pow(n, -0.35) + 2000 * Math.pow(d, -0.37)) + "\n");
      }
    }
    Path losses = Files.writeString(directory.resolve("losses.csv"), table);
    Path charts = directory.resolve("charts");
    Outcome text = InProcess.run("fit", losses, "--law", "loss", "--bootstrap", "100", "--charts", charts);
    assertTrue(text.out().contains("alpha = 0.350 (95 %: "), text.out() + text.err());
    assertTrue(text.out().contains(charts.resolve("loss-data.svg").toString()), text.out());
    assertTrue(Files.size(charts.resolve("loss-size.pdf")) > 1_000);
    JsonNode fit = Json.MAPPER
        .readTree(InProcess.run("fit", losses, "--law", "loss", "--bootstrap", "100", "--json").out());
    assertEquals(List.of("law", "estimates", "checklist"), List.copyOf(fit.propertyNames()));
  }

  @Test
  void armsAreCompared() throws Exception {
    Path results = RESULTS.resolve("architectures-cpu/results.csv");
    String csv = Files.readString(results);
    String header = csv.lines().findFirst().orElseThrow() + "\n";
    Path first = Files.writeString(directory.resolve("a.csv"), header + rows(csv, ",gpt2-nomlp-2-2-w16,"));
    Path second = Files.writeString(directory.resolve("b.csv"), header + rows(csv, ",gpt2-2-2-w16,"));
    JsonNode json = Json.MAPPER
        .readTree(InProcess.run("compare", first, second, "--margin", "0.05", "--json").out());
    JsonNode difference = json.get("differences").get(0);
    assertEquals(3, difference.get("pairs").intValue());
    assertEquals("less", difference.get("verdict").stringValue());
    Outcome text = InProcess.run("compare", first, second);
    assertEquals(0, text.exitCode(), text.err());
    assertTrue(text.out().startsWith("N = 1000, 100 exposures, 2-2-w16: less\n"), text.out());
    assertFalse(text.out().contains("beyond"), "no margin was asked for");
    assertRefused("have no setting in common", "compare", first, SEEDS);
    assertRefused("the margin must be above 0 bits per parameter, found -1.0", "compare", first, second,
        "--margin", "-1");
  }

  private static String rows(String csv, String part) {
    return csv.lines().filter(line -> line.contains(part)).reduce("", (all, line) -> all + line + "\n");
  }

  @Test
  void badInputHasOneClearLine() throws Exception {
    assertRefused("no such file or directory", "fit", directory.resolve("none"));
    assertRefused("--law must be capacity, exposures, loss or skills, found 'power'", "fit", LAW, "--law",
        "power");
    assertRefused("--bootstrap must be at least 100, found 5", "fit", LAW, "--law", "loss", "--bootstrap",
        "5");
    assertRefused("--published is for --law capacity", "fit", LAW, "--law", "loss", "--published");
    assertRefused("at least 8 points, found 4: measure 4 more", "fit", SEEDS, "--law", "loss");
    assertRefused("found [1000]", "fit", SEEDS, "--law", "exposures");
    assertRefused("--law skills reads the frequency.csv of a study", "fit", SEEDS, "--law", "skills");
    assertRefused("must be a whole number", "fit", Files.writeString(directory.resolve("frequency.csv"),
        "run,corpus,people,exposures,zipf,model,parameters,corpus_seed,weights_seed,order_seed,setting,exposures_from,"
            + "bucket_people,measured_people,mean_exposures,share,name_loss,value_loss,weighted_value_loss,value_bits,"
            + "value_stored_bits\na,b,many,10,1.5,gpt2-1-1,100,1,1,1,,1,1,1,1,1,1,1,1,1,1\n"),
        "--law", "skills");
    String csv = Files.readString(SEEDS);
    Path nan = Files.writeString(directory.resolve("nan.csv"),
        csv.replaceFirst("(,29\\.[0-9]+,)[0-9.]+", "$1NaN"));
    assertRefused("stored_bits is NaN; it must be a finite number", "fit", nan);
    Path other = Files.writeString(directory.resolve("other.csv"),
        csv.replaceFirst("(,29\\.[0-9]+,[0-9]+)\\.[0-9]+", "$1.5"));
    assertRefused("is in two sources with different figures", "fit", SEEDS, other);
    assertRefused("there is no column run", "fit",
        Files.writeString(directory.resolve("odd.csv"), "a,b\n1,2\n"));
  }
}
