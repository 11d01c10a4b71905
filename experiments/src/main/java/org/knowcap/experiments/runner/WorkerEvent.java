package org.knowcap.experiments.runner;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.knowcap.models.training.Progress;

/** An event of a worker. To a supervisor it is written as a JSON object, one a line, and to people as text. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
@JsonSubTypes({@JsonSubTypes.Type(value = WorkerEvent.Started.class, name = "started"),
    @JsonSubTypes.Type(value = WorkerEvent.Handicapped.class, name = "handicapped"),
    @JsonSubTypes.Type(value = WorkerEvent.WentBack.class, name = "went_back"),
    @JsonSubTypes.Type(value = WorkerEvent.Progressed.class, name = "progressed"),
    @JsonSubTypes.Type(value = WorkerEvent.Finished.class, name = "finished"),
    @JsonSubTypes.Type(value = WorkerEvent.Failed.class, name = "failed")})
public sealed interface WorkerEvent {
  String run();

  /** A run begins, or continues after this number of finished steps. */
  record Started(String run, long finishedSteps) implements WorkerEvent {}

  /** A run's engine is slower here than it could be. */
  record Handicapped(String run, String engine, String reason) implements WorkerEvent {}

  /** A run's last checkpoint is damaged, and it goes on from the one before. */
  record WentBack(String run, String problem) implements WorkerEvent {}

  /** A run has made progress. */
  record Progressed(String run, Progress progress) implements WorkerEvent {}

  /** A run has its result. */
  record Finished(String run, double storedBits, double capacityRatio, double saturation,
      double seconds) implements WorkerEvent {}

  /** A run failed. */
  record Failed(String run, String reason) implements WorkerEvent {}
}
