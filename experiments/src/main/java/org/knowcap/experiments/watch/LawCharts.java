package org.knowcap.experiments.watch;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.knowcap.analysis.chart.Chart;
import org.knowcap.analysis.law.CapacityLaws;
import org.knowcap.analysis.results.ResultsException;
import org.knowcap.analysis.results.RunResult;

/**
 * The charts of the report, drawn from the results so far, in a thread of their own: with hundreds of runs that takes seconds. Between
 * two drawings there is twenty times the time that one took.
 */
final class LawCharts {
  private static final int PAUSE = 20;

  /**
   * A drawing.
   *
   * @param version of the view that it was drawn for; 0 before there is one
   * @param sentences what the results say of the law
   * @param captions of the charts by file name
   * @param svgs the charts by file name
   */
  record Drawn(long version, List<String> sentences, Map<String, String> captions, Map<String, String> svgs) {
    static final Drawn NONE = new Drawn(0, List.of(), Map.of(), Map.of());
  }

  private final String study;
  private volatile Drawn drawn = Drawn.NONE;
  private List<RunResult> of = List.of();
  private Instant notBefore = Instant.MIN;
  private boolean drawing;

  LawCharts(String study) {
    this.study = study;
  }

  Drawn drawn() {
    return drawn;
  }

  /** Has them drawn if these results are others than those of the last drawing, and it is time. */
  synchronized void offer(List<RunResult> results, Instant now, long version) {
    if (drawing || now.isBefore(notBefore) || results.equals(of)) {
      return;
    }
    drawing = true;
    of = List.copyOf(results);
    Thread.ofPlatform().daemon().name("charts").start(() -> draw(version));
  }

  private void draw(long version) {
    Instant began = Instant.now();
    Drawn next = new Drawn(version, List.of("The charts of these results cannot be drawn."), Map.of(),
        Map.of());
    try {
      next = draw(study, of, version);
    } catch (ResultsException e) {
      next = new Drawn(version, List.of(e.getMessage()), Map.of(), Map.of());
    } finally {
      drawn = next;
      Instant end = Instant.now();
      synchronized (this) {
        drawing = false;
        notBefore = end.plus(Duration.between(began, end).multipliedBy(PAUSE));
      }
    }
  }

  private static Drawn draw(String study, List<RunResult> results, long version) {
    CapacityLaws laws = CapacityLaws.of(results);
    List<String> sentences = new ArrayList<>();
    laws.shortfall().ifPresent(sentences::add);
    laws.withInterval().forEach(law -> sentences.add(law.name() + ": " + law.summary().getFirst()));
    Map<String, String> captions = new LinkedHashMap<>();
    Map<String, String> svgs = new LinkedHashMap<>();
    for (Chart chart : Chart.of(results, List.of(), laws.withInterval())) {
      captions.put(chart.file(), chart.caption());
      svgs.put(chart.file(), chart.ofStudy(study).svg());
    }
    return new Drawn(version, sentences, captions, svgs);
  }

  /** A chart of the last drawing. */
  Optional<String> svg(String file) {
    return Optional.ofNullable(drawn.svgs.get(file));
  }
}
