package org.knowcap.analysis.chart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.knowcap.analysis.law.Arm;
import org.knowcap.analysis.law.Estimate;
import org.knowcap.analysis.law.Judged;
import org.knowcap.analysis.law.LawVerdict;
import org.knowcap.analysis.law.Quantity;
import org.knowcap.analysis.results.RunResult;
import org.knowcap.analysis.units.Units;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.Circle;

/** The arms of a law side by side: R of each seed, the mean with its interval, and where the paper's figures would put it. */
public final class LawArmsChart implements Chart {
  private static final double HALF = 0.32;
  private static final String SEEDS = "each seed";
  private static final String MEANS = "mean, 95 % interval";
  private static final String PUBLISHED = "by the paper's figure";
  /** Share of the plot's height that the arms' names take below the least value. */
  private static final double NAMES = 0.1;
  /** Arms whose names find room beside each other. */
  private static final int ON_ONE_LINE = 5;

  private final LawVerdict law;
  private final List<Arm> arms;

  private LawArmsChart(LawVerdict law) {
    this.law = law;
    arms = law.arms().stream().filter(arm -> !arm.runs().isEmpty()).toList();
  }

  /** The chart of a law, if any of its arms has a run. */
  public static Optional<LawArmsChart> of(LawVerdict law) {
    LawArmsChart chart = new LawArmsChart(law);
    return chart.arms.isEmpty() ? Optional.empty() : Optional.of(chart);
  }

  @Override
  public String file() {
    return "law-" + law.claim().number();
  }

  private String title() {
    return "Law " + law.claim().number() + ": " + law.claim().title();
  }

  @Override
  public String caption() {
    return "R of each arm: grey points are seeds, the bar is the 95 % interval of their mean. A dashed line is where"
        + " the paper's figure would put the arm: its factor to the arm that it is compared with, or its R.";
  }

  @Override
  public String svg() {
    return LawPlot.svg(chart(), file(), title(),
        "Bits per parameter of each arm. " + arms.stream()
            .map(arm -> arm.name() + ": " + Units.ratio(arm.cell().ratio().value()))
            .collect(Collectors.joining("; ")) + ".");
  }

  @Override
  public void write(Path folder) throws IOException {
    LawPlot.write(folder, this, chart());
  }

  /** R that the paper's figure gives an arm. */
  private record Mark(int arm, double ratio) {}

  private List<Mark> marks() {
    List<Mark> marks = new ArrayList<>();
    for (Judged judged : law.judged()) {
      double published = judged.judgement().published();
      switch (judged.judgement().quantity()) {
        case Quantity.Ratio(String arm) -> mark(marks, arm, published);
        case Quantity.Greatest(List<String> all) -> all.forEach(arm -> mark(marks, arm, published));
        case Quantity.Stored(String arm) ->
            of(arm).ifPresent(found -> mark(marks, arm, published * found.cell().maxCapacityRatio()));
        case Quantity.Factor(String arm, String over) -> factor(marks, arm, over, published);
      }
    }
    return marks;
  }

  /** The arm that stands first in the law is what the other is compared with. */
  private void factor(List<Mark> marks, String arm, String over, double published) {
    Optional<Arm> above = of(arm);
    Optional<Arm> below = of(over);
    if (above.isPresent() && below.isPresent()) {
      if (arms.indexOf(above.get()) < arms.indexOf(below.get())) {
        mark(marks, over, above.get().cell().ratio().value() / published);
      } else {
        mark(marks, arm, below.get().cell().ratio().value() * published);
      }
    }
  }

  private void mark(List<Mark> marks, String arm, double ratio) {
    of(arm).ifPresent(found -> marks.add(new Mark(arms.indexOf(found) + 1, ratio)));
  }

  private Optional<Arm> of(String name) {
    return arms.stream().filter(arm -> arm.name().equals(name)).findFirst();
  }

  XYChart chart() {
    XYChart chart = LawPlot.blank(title(), "", "R, stored bits per parameter");
    List<Mark> marks = marks();
    double[] ends = DoubleStream
        .concat(arms.stream()
            .flatMapToDouble(
                arm -> DoubleStream.concat(arm.runs().stream().mapToDouble(RunResult::capacityRatio),
                    DoubleStream.of(arm.cell().ratio().high().orElse(0),
                        arm.cell().ratio().low().orElse(0)))),
            marks.stream().mapToDouble(Mark::ratio))
        .toArray();
    double most = DoubleStream.of(ends).max().orElseThrow();
    double least = DoubleStream.of(ends).min().orElseThrow();
    double top = Math.max(0.01, 1.1 * most);
    double floor = Math.min(0, 1.1 * least);
    double names = NAMES * (top - floor);
    chart.getStyler().setYAxisMin(floor - names).setYAxisMax(top);
    chart.getStyler().setXAxisMin(0.5).setXAxisMax(arms.size() + 0.5);
    chart.getStyler().setXAxisTickLabelsFormattingFunction(_ -> "");
    chart.getStyler().setPlotGridVerticalLinesVisible(false);
    LawPlot.line(chart, "", new double[]{0.5, arms.size() + 0.5}, new double[]{0, 0}, LawPlot.GUIDE,
        ChartStyle.stroke(2, 1, 0));
    boolean named = false;
    for (Mark mark : marks) {
      LawPlot.line(chart, named ? "" : PUBLISHED, new double[]{mark.arm - HALF, mark.arm + HALF},
          new double[]{mark.ratio, mark.ratio}, ChartStyle.COLOURS.get(1), ChartStyle.stroke(4, 14, 8));
      named = true;
    }
    for (int i = 0; i < arms.size(); i++) {
      Arm arm = arms.get(i);
      double x = i + 1.0;
      // Long names of neighbours would run into each other on one line.
      double line = i % 2 == 0 || arms.size() <= ON_ONE_LINE ? 0.7 : 0.3;
      chart.addAnnotation(new AnnotationText(arm.name(), x, floor - line * names, false));
      double[] ratios = arm.runs().stream().mapToDouble(RunResult::capacityRatio).toArray();
      LawPlot.points(chart, i == 0 ? SEEDS : "",
          DoubleStream.generate(() -> x - HALF / 2).limit(ratios.length).toArray(), ratios, LawPlot.GUIDE,
          new Hollow(new Circle()));
      Estimate ratio = arm.cell().ratio();
      LawPlot.errorBar(chart, x, ratio, floor, ChartStyle.COLOURS.get(0));
      LawPlot.points(chart, i == 0 ? MEANS : "", new double[]{x}, new double[]{ratio.value()},
          ChartStyle.COLOURS.get(0), new Circle());
    }
    return chart;
  }
}
