package org.knowcap.analysis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.law.Arm;
import org.knowcap.analysis.law.Judgement;
import org.knowcap.analysis.law.LawClaim;
import org.knowcap.analysis.law.LawVerdict;
import org.knowcap.analysis.law.Quantity;
import org.knowcap.analysis.results.Limit;

/** The page of laws: verdicts first, a chart where there are runs, and what is missing. */
class LawsPageTest {
  @TempDir
  private Path directory;

  private static Arm arm(String name, double... ratios) {
    return new Arm(name, "gpt2-2-2 on <bioS>", IntStream.range(0, ratios.length)
        .mapToObj(
            i -> Results.limited(Results.run(200, 100, 1000, i + 1L, 1000 * ratios[i], 4000), Limit.MODEL))
        .toList(),
        List.of(new Arm.TriedRate(0.001, 0.1), new Arm.TriedRate(0.002, 1),
            new Arm.TriedRate(0.004, Double.NEGATIVE_INFINITY)),
        3 - ratios.length);
  }

  private static LawVerdict law(int number, Arm... arms) {
    return LawVerdict.of(new LawClaim(number, "Junk & more", "Junk costs.", "figure 8", 1),
        List.of(new Judgement(new Quantity.Factor("plain", "junk"), Judgement.Direction.AT_LEAST, 20, 4.5,
            Set.of(Limit.MODEL))),
        List.of(arms));
  }

  @Test
  void aPartialSetSaysWhatIsMissing() throws Exception {
    LawVerdict run = law(10, arm("plain", 1.0, 1.1, 0.9), arm("junk", 0.05, 0.06, 0.045));
    LawVerdict not = law(11, arm("plain", 1.0, 1.1, 0.9), arm("junk"));
    LawsPage page = new LawsPage("small", List.of(run, not), "./knowcap laws --size small",
        new Provenance(Map.of("machine", "two cores")));
    page.write(directory);
    String html = Files.readString(directory.resolve("laws.html"));
    assertTrue(html.contains("Of 2 laws: 1 not run, 1 supported."), html);
    assertTrue(html.indexOf("supported at this scale") < html.indexOf("How laws are judged"),
        "verdicts first");
    assertTrue(html.contains("Junk &amp; more") && html.contains("on &lt;bioS&gt;"), "escaped");
    assertTrue(html.contains("claimed to be at least 4.44 (paper: 20): 19.4"), html);
    assertTrue(html.contains("At least 3 runs are missing")
        && html.contains("<code>./knowcap laws --size small --only 11</code>"), html);
    assertTrue(html.contains("0.004: lost"), html);
    assertEquals(2, html.split("<svg", -1).length - 1);
    List<String> csv = Files.readAllLines(directory.resolve("laws.csv"));
    assertEquals(3, csv.size());
    assertTrue(
        csv.get(1)
            .startsWith("10,Junk & more,R of plain over R of junk,at_least,20.0,4.5,at least 4.44,19.4"),
        csv.get(1));
    assertTrue(csv.get(2).endsWith(",not run"), csv.get(2));
    assertTrue(page.markdown().contains("| 10. Junk & more | Junk costs. | supported at this scale | "),
        page.markdown());
  }
}
