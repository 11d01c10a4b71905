package org.knowcap.analysis.law;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.knowcap.analysis.Results;
import org.knowcap.analysis.law.PublishedCapacity.Match;
import org.knowcap.analysis.results.RunResult;

class PublishedCapacityTest {
  private static final PublishedCapacity PUBLISHED = PublishedCapacity.read();

  @Test
  void thePublishedPointsAreWholeAndPlausible() {
    assertEquals(196, PUBLISHED.points().size());
    for (PublishedCapacity.Point point : PUBLISHED.points()) {
      String[] sizes = point.model().split("-");
      long layers = Long.parseLong(sizes[0]);
      long width = 64 * Long.parseLong(sizes[1]);
      // The paper's model over the 3275 tokens of bioS.
      assertEquals(12 * layers * width * width + 13 * layers * width + 2 * width + 3275 * width,
          point.parameters(), point.model());
      double perPerson = Math.log(160e6 / point.people()) / Math.log(2) + 47.592;
      assertTrue(point.storedBits() < 1.03 * perPerson * point.people(), point.toString());
      assertTrue(
          point.source().startsWith("digitised figure 1(a)") || point.source().startsWith("coarse reading"),
          point.source());
    }
  }

  /** 4-3 and 2-4 differ by 0.4 %: a cell has one published point, that of its shape. */
  @Test
  void aCellHasOnePublishedPoint() {
    RunResult full = Results.run(50_000, 1000, "gpt2-2-4", 2_418_432, 1, 2.95e6, 2.96e6);
    RunResult other = Results.run(100_000, 1000, "gpt2-2-6", 2_410_000, 1, 4e6, 5.8e6);
    List<Match> matches = PUBLISHED.matches(Cells.of(List.of(full, other)));
    assertEquals(List.of("2-4", "4-3"), matches.stream().map(match -> match.published().model()).toList());
    assertTrue(matches.getFirst().saturated());
    assertTrue(PUBLISHED.scale(Cells.of(List.of(full, other))).startsWith("2 of the 2 cells have"));
  }

  @Test
  void pointsOfOneSizeCorpusAndExposuresMatch() {
    RunResult near = Results.run(50_000, 1000, "gpt2-2-2", 816_000, 1, 1.5e6, 2.96e6);
    assertFalse(PUBLISHED.matches(Cells.of(List.of(near))).getFirst().saturated());
    RunResult otherSize = Results.run(50_000, 1000, "gpt2-2-2-w16", 80_000, 1, 1e5, 2.96e6);
    List<Match> matches = PUBLISHED.matches(Cells.of(List.of(near, otherSize)));
    assertEquals(1, matches.size());
    assertEquals(1.5 / 1.4, matches.getFirst().factor().value(), 1e-9);
    assertTrue(PUBLISHED.scale(Cells.of(List.of(near, otherSize))).startsWith("1 of the 2 cells have"));
    assertTrue(PUBLISHED.scale(Cells.of(List.of(otherSize))).endsWith("at another scale, not points."));
  }
}
