package org.knowcap.experiments.query;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.knowcap.analysis.results.PartRow;
import org.knowcap.analysis.results.QuantisedResult;
import org.knowcap.analysis.results.ResultsTable;
import org.knowcap.analysis.results.TrainingPoint;
import org.knowcap.analysis.results.TrainingRow;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.experiments.run.RunState;
import org.knowcap.experiments.run.RunStatus;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.StudyReport;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.models.quantisation.Quantiser;
import tech.tablesaw.api.DoubleColumn;
import tech.tablesaw.api.IntColumn;
import tech.tablesaw.api.LongColumn;
import tech.tablesaw.api.Table;
import tech.tablesaw.columns.Column;

/**
 * The tables of a query: {@code runs}, a row for each run of the studies, done or not; {@code quantised}, a row for each
 * time that a run's model was quantised; {@code curves}, a row for each report of each run; {@code along}, a row for each
 * step at which a run was measured along its training; {@code parts}, a row for each part of runs of which more was measured than the
 * parts of their corpus; {@code people}, a row for each
 * value of each person of the runs whose people were measured. Columns have the names that the files of a study give them.
 */
public final class QueryTables {
  private static final String RUNS = "runs";
  private static final String QUANTISED = "quantised";
  private static final String CURVES = "curves";
  private static final String ALONG = "along";
  private static final String PARTS = "parts";
  private static final String PEOPLE = "people";
  private static final String RUN = "run";
  /** How many columns of runs stand before those of results.csv. */
  private static final int FIRST_COLUMNS = 5;

  private static final List<SqlColumn> CURVE_COLUMNS = List.of(text("study"), text(RUN),
      new SqlColumn("step", SqlType.BIGINT), number("loss_nats"), number("learning_rate"),
      number("gradient_norm"), number("largest_rare_embedding"), number("largest_embedding"),
      number("tokens_per_second"), number("seconds"));
  private static final List<SqlColumn> ALONG_COLUMNS = List.of(text("study"), text(RUN),
      new SqlColumn("step", SqlType.BIGINT), number("exposures"), number("learning_rate"),
      number("loss_nats"), number("name_loss_nats"), number("value_loss_nats"),
      number("unseen_value_loss_nats"), number("stored_bits"), number("capacity_ratio"),
      number("saturation"));
  private static final List<SqlColumn> PARTS_COLUMNS = List.of(text("study"), text(RUN), text("part"),
      number("items"), number("total_bits"), number("stored_bits"), number("stored_bits_standard_error"),
      number("loss_nats"), number("recalled"));
  private static final List<SqlColumn> PEOPLE_COLUMNS = List.of(text("study"), text(RUN),
      new SqlColumn("person", SqlType.BIGINT), text("name"), text("attribute"), text("value"),
      number("loss_nats"), number("recalled"), number("generated"), number("answered"), number("asked"));

  private final List<StudyReport> studies;
  private final ResultsTable results;
  private final List<Path> people;

  /**
   * @param studies whose runs are rows, done or not
   * @param results of the studies and of tables that were written before, each run once
   * @param people tables that 'knowcap measure --people' wrote, beside those in the folders of the studies' runs
   */
  public QueryTables(List<StudyReport> studies, ResultsTable results, List<Path> people) {
    this.studies = List.copyOf(studies);
    this.results = results;
    this.people = List.copyOf(people);
  }

  private static SqlColumn text(String name) {
    return new SqlColumn(name, SqlType.VARCHAR);
  }

  private static SqlColumn number(String name) {
    return new SqlColumn(name, SqlType.DOUBLE);
  }

  /**
   * Makes all tables, and fills those that are asked for.
   *
   * @param asked names of tables
   * @return what is wrong with files that cannot be read, and what an empty table lacks; a sentence each
   */
  public List<String> load(QueryDatabase database, Set<String> asked) throws IOException {
    List<String> notes = new ArrayList<>();
    loadRuns(database);
    Table quantised = results.quantisedTable();
    database.create(QUANTISED, columns(quantised, List.of()));
    database.fill(QUANTISED, rows(quantised));
    database.create(CURVES, CURVE_COLUMNS);
    if (asked.contains(CURVES)) {
      loadCurves(database, notes);
    }
    database.create(ALONG, ALONG_COLUMNS);
    if (asked.contains(ALONG)) {
      loadAlong(database, notes);
    }
    database.create(PARTS, PARTS_COLUMNS);
    if (asked.contains(PARTS)) {
      loadParts(database, notes);
    }
    database.create(PEOPLE, PEOPLE_COLUMNS);
    if (asked.contains(PEOPLE)) {
      loadPeople(database, notes);
    }
    return notes;
  }

  private void loadRuns(QueryDatabase database) {
    Table done = results.runsTable();
    List<SqlColumn> columns = new ArrayList<>(List.of(text("study"), text(RUN), text("state"),
        new SqlColumn("step", SqlType.BIGINT), text("detail")));
    columns.addAll(columns(done, List.of(RUN)));
    database.create(RUNS, columns);
    Map<String, Integer> rowOf = new LinkedHashMap<>();
    for (int row = 0; row < done.rowCount(); row++) {
      rowOf.put(done.stringColumn(RUN).get(row), row);
    }
    List<@Nullable Object[]> rows = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (StudyReport study : studies) {
      for (RunStatus status : study.states()) {
        Integer row = status.state() instanceof RunState.Done ? rowOf.get(status.name()) : null;
        if (row != null && seen.add(status.name())) {
          rows.add(done(done, row, study.name(), columns));
        } else if (row == null && seen.add(study.path() + "/" + status.name())) {
          rows.add(open(status, study.name(), columns));
        }
      }
    }
    rowOf.forEach((name, row) -> {
      if (seen.add(name)) {
        rows.add(done(done, row, null, columns));
      }
    });
    database.fill(RUNS, rows);
  }

  /** The row of a run with a result. */
  private static @Nullable Object[] done(Table table, int row, @Nullable String study,
      List<SqlColumn> columns) {
    @Nullable
    Object[] values = new Object[columns.size()];
    values[0] = study;
    values[1] = table.stringColumn(RUN).get(row);
    values[2] = "done";
    values[3] = table.longColumn("steps").getLong(row);
    for (int i = FIRST_COLUMNS; i < values.length; i++) {
      values[i] = value(table.column(columns.get(i).name()), row);
    }
    return values;
  }

  /** The row of a run without a result: what its settings say. */
  private static @Nullable Object[] open(RunStatus status, String study, List<SqlColumn> columns) {
    Map<String, Object> known = settings(status.spec());
    known.put("study", study);
    known.put(RUN, status.name());
    switch (status.state()) {
      case RunState.Pending _ -> known.put("state", "pending");
      case RunState.Running(RunState.Progressed progress) -> progressed(known, "running", progress);
      case RunState.Interrupted(RunState.Progressed progress) -> progressed(known, "interrupted", progress);
      case RunState.Failed(String reason, _) -> explained(known, "failed", reason);
      case RunState.Damaged(String problem) -> explained(known, "damaged", problem);
      case RunState.Done _ -> throw new IllegalArgumentException(status.name() + " has a result");
    }
    return columns.stream().map(column -> known.get(column.name())).toArray();
  }

  private static void progressed(Map<String, Object> known, String state, RunState.Progressed progress) {
    known.put("state", state);
    known.put("step", progress.step());
  }

  private static void explained(Map<String, Object> known, String state, String detail) {
    known.put("state", state);
    known.put("detail", detail);
  }

  private static Map<String, Object> settings(RunSpec run) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("people", run.people());
    settings.put("model", run.model().name());
    settings.put("head_width", run.model().headWidth());
    settings.put("causal", run.model().causal());
    settings.put("corpus_seed", run.seeds().corpusSeed());
    settings.put("weights_seed", run.seeds().weightsSeed());
    settings.put("order_seed", run.seeds().orderSeed());
    settings.put("learning_rate", run.training().learningRate());
    settings.put("quantisation",
        run.training().weights().map(Quantiser::method).orElse(QuantisedResult.NONE));
    settings.put("weight_bits",
        run.training().weights().map(Quantiser::bits).orElse(QuantisedResult.FULL_BITS));
    settings.put("group", run.training().weights().map(Quantiser::group).orElse(0));
    if (!run.setting().isEmpty()) {
      settings.put("setting", run.setting());
    }
    if (!run.exposures().complete()) {
      settings.put("exposures", run.exposures().count());
    }
    return settings;
  }

  private void loadCurves(QueryDatabase database, List<String> notes) {
    Set<Path> seen = new HashSet<>();
    for (StudyReport study : studies) {
      if (seen.add(study.path())) {
        StudyFolder.Reported reported = study.study().metrics();
        List<@Nullable Object[]> rows = new ArrayList<>();
        reported.metrics()
            .forEach((run, metrics) -> metrics.forEach(metric -> rows.add(row(study, run, metric))));
        database.fill(CURVES, rows);
        notes.addAll(reported.problems());
      }
    }
  }

  private static @Nullable Object[] row(StudyReport study, String run, Metric metric) {
    return new Object[]{study.name(), run, metric.step(), metric.loss(), metric.learningRate(),
        metric.gradientNorm().orElse(Double.NaN), metric.largestRareEmbedding().orElse(Double.NaN),
        metric.largestEmbedding().orElse(Double.NaN), metric.tokensPerSecond(), metric.seconds()};
  }

  private void loadAlong(QueryDatabase database, List<String> notes) throws IOException {
    List<@Nullable Object[]> rows = new ArrayList<>();
    Set<Path> seen = new HashSet<>();
    for (StudyReport study : studies) {
      if (seen.add(study.path())) {
        for (TrainingRow row : study.along()) {
          TrainingPoint point = row.point();
          rows.add(new Object[]{study.name(), row.run(), row.step(), row.exposures(), row.learningRate(),
              row.lossNats(), point.nameLossNats().orElse(Double.NaN), point.valueLossNats(),
              point.unseenValueLossNats().orElse(Double.NaN), point.storedBits(), row.capacityRatio(),
              row.saturation()});
        }
      }
    }
    database.fill(ALONG, rows);
    if (rows.isEmpty()) {
      notes.add(
          "the table along is empty: no run that is done was measured along its training; a study asks for"
              + " that by 'measurement: {along: log}'");
    }
  }

  private void loadParts(QueryDatabase database, List<String> notes) {
    List<@Nullable Object[]> rows = new ArrayList<>();
    Set<Path> seen = new HashSet<>();
    for (StudyReport study : studies) {
      if (seen.add(study.path())) {
        for (PartRow row : study.parts()) {
          rows.add(new Object[]{study.name(), row.run(), row.part(), row.items(), row.totalBits(),
              row.storedBits(), row.storedBitsStandardError(), row.lossNats(),
              row.recalled().orElse(Double.NaN)});
        }
      }
    }
    database.fill(PARTS, rows);
    if (rows.isEmpty()) {
      notes.add(
          "the table parts is empty: no run that is done has more parts than its corpus; the parts of a corpus are"
              + " columns of runs, such as value_stored_bits");
    }
  }

  private void loadPeople(QueryDatabase database, List<String> notes) throws IOException {
    Stream<String> values = Stream.concat(Stream.of("person", "name", "attribute", "value"),
        PEOPLE_COLUMNS.stream()
            .filter(column -> column.type() == SqlType.DOUBLE)
            .map(column -> "nullif(" + column.name() + ", 'nan'::DOUBLE)"));
    List<String> measured = Stream.concat(Stream.of("?", "?"), values).toList();
    Set<Path> seen = new HashSet<>();
    for (StudyReport study : studies) {
      for (RunStatus status : study.states()) {
        Path file = study.study().runFolder(status.name()).people();
        if (Files.exists(file) && seen.add(file.toRealPath())) {
          database.fill(PEOPLE, measured, List.of(study.name(), status.name()), file);
        }
      }
    }
    for (Path file : people) {
      if (seen.add(file.toRealPath())) {
        List<String> own = new ArrayList<>(measured);
        own.set(0, "NULL");
        database.fill(PEOPLE, own, List.of(file.toString()), file);
      }
    }
    if (seen.isEmpty()) {
      notes.add("the table people is empty: no run's people were measured; 'knowcap measure RUN --people"
          + " RUN/people.parquet' does, where RUN is the folder of a run");
    }
  }

  private static List<SqlColumn> columns(Table table, List<String> without) {
    return table.columns()
        .stream()
        .filter(column -> !without.contains(column.name()))
        .map(column -> new SqlColumn(column.name(), type(column)))
        .toList();
  }

  private static SqlType type(Column<?> column) {
    return switch (column) {
      case DoubleColumn _ -> SqlType.DOUBLE;
      case LongColumn _ -> SqlType.BIGINT;
      case IntColumn _ -> SqlType.INTEGER;
      // Tablesaw's table has truth as text.
      default -> column.name().equals("causal") ? SqlType.BOOLEAN : SqlType.VARCHAR;
    };
  }

  private static List<@Nullable Object[]> rows(Table table) {
    List<@Nullable Object[]> rows = new ArrayList<>();
    for (int row = 0; row < table.rowCount(); row++) {
      @Nullable
      Object[] values = new Object[table.columnCount()];
      for (int i = 0; i < values.length; i++) {
        values[i] = value(table.column(i), row);
      }
      rows.add(values);
    }
    return rows;
  }

  private static @Nullable Object value(Column<?> column, int row) {
    if (column.isMissing(row)) {
      return null;
    }
    Object value = column.get(row);
    return type(column) == SqlType.BOOLEAN ? (Object) Boolean.valueOf(value.toString()) : value;
  }
}
