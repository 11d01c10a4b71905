package org.knowcap.models.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.knowcap.models.checkpoint.Checkpoint;
import org.knowcap.models.checkpoint.CheckpointException;
import org.knowcap.models.engine.RoundingException;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * Runs a training program to its last step. If the process is killed, a second call resumes from the last
 * checkpoint. It ends with the parameters of an uninterrupted run, to the last bit, because batches, learning rates
 * and updates depend only on the step.
 */
public final class Trainer {
  /** A run has diverged if its mean loss is this many times ln V, the loss of a uniform guess. */
  private static final double DIVERGED = 3;

  private final Program program;
  private final Session session;
  private final TrainingSpec spec;
  private final Path checkpointFile;

  /**
   * @param session of {@code program}
   * @param checkpointFile the file of the checkpoint, which need not exist yet
   */
  public Trainer(Program program, Session session, TrainingSpec spec, Path checkpointFile) {
    this.program = program;
    this.session = session;
    this.spec = spec;
    this.checkpointFile = checkpointFile;
  }

  /**
   * Trains, and leaves a checkpoint of the last step.
   *
   * @return where the batches stood at the end, see {@link Batch#after}
   * @throws DivergedException if the loss is not a number or has diverged, with the step, the tensor and the learning
   *     rate
   * @throws TrainingException where the weights to start from cannot be rounded as the session rounds them, or where the checkpoint is of another run
   * @throws InterruptedException where the listener stops it; there is a checkpoint of the last step then
   * @throws IOException where a checkpoint cannot be read or written
   */
  public long[] run(BatchSource.Factory data, TrainingListener listener)
      throws IOException, InterruptedException {
    long step = 0;
    long updates;
    long[] position = {};
    String remembered = "";
    Optional<Checkpoint> found = checkpoint(listener);
    if (found.isPresent()) {
      Checkpoint.Head head = found.get().head();
      session.load(found.get().state());
      step = head.step();
      updates = head.updates();
      position = head.position();
      remembered = head.remembered();
    } else {
      Initialisation.Buffers start = spec.start().of(program);
      try {
        session.load(start.buffers());
      } catch (RoundingException e) {
        throw new TrainingException(
            "the weights that training starts from cannot be rounded: " + e.getMessage(), e);
      }
      updates = start.updates();
    }
    listener.started(step, remembered);
    BatchSource source = step == 0 ? data.start() : data.resume(position);
    try (Prefetcher batches = new Prefetcher(source)) {
      return train(step, updates - step, position, batches, listener);
    }
  }

  /**
   * The last checkpoint, or the one before it if the last is damaged or was being written when the process was
   * killed.
   */
  private Optional<Checkpoint> checkpoint(TrainingListener listener) throws IOException {
    Path previous = Checkpoint.previous(checkpointFile);
    if (Files.exists(checkpointFile)) {
      try {
        return Optional.of(ofThisRun(checkpointFile));
      } catch (CheckpointException damaged) {
        if (Files.notExists(previous)) {
          throw damaged;
        }
        listener.wentBack(String.valueOf(damaged.getMessage()));
      }
    }
    if (Files.notExists(previous)) {
      return Optional.empty();
    }
    Checkpoint before = ofThisRun(previous);
    // In place of the damaged one, which would otherwise become the one to go back to.
    Files.move(previous, checkpointFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return Optional.of(before);
  }

  private Checkpoint ofThisRun(Path file) throws IOException {
    Checkpoint checkpoint = Checkpoint.read(file, program);
    String fingerprint = checkpoint.head().fingerprint();
    if (!fingerprint.equals(spec.fingerprint())) {
      throw new TrainingException(file + " belongs to another run (fingerprint " + fingerprint
          + ", this run's is " + spec.fingerprint() + "); move it away to start over");
    }
    return checkpoint;
  }

  private void write(Checkpoint checkpoint) throws IOException {
    if (Files.exists(checkpointFile)) {
      Files.move(checkpointFile, Checkpoint.previous(checkpointFile), StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    }
    checkpoint.write(checkpointFile, program);
  }

  /** @param earlier updates that the optimiser's state had seen before this run */
  private long[] train(long finished, long earlier, long[] start, Prefetcher batches,
      TrainingListener listener) throws IOException, InterruptedException {
    long steps = spec.schedule().steps();
    long began = System.nanoTime();
    long lastCheckpoint = began;
    long[] position = start;
    for (long step = finished + 1; step <= steps; step++) {
      Batch batch = batches.next();
      try {
        session.step(batch.tokens(), batch.targets(), spec.schedule().learningRate(step), earlier + step);
      } catch (RoundingException e) {
        throw unroundable(step, e);
      }
      position = batch.after();
      boolean last = step == steps;
      boolean stops = !last && listener.stops();
      boolean checkpointDue = last || stops
          || System.nanoTime() - lastCheckpoint >= spec.checkpointEvery().toNanos();
      boolean reportDue = last || step % spec.reportEvery() == 0;
      if (reportDue || checkpointDue) {
        double loss = session.loss();
        requireSound(step, loss);
        if (reportDue) {
          double seconds = (System.nanoTime() - began) / 1e9;
          double stepsPerSecond = (step - finished) / seconds;
          listener.progressed(new Progress(step, steps, loss, spec.schedule().learningRate(step),
              stepsPerSecond * program.stepRows(), (steps - step) / stepsPerSecond, session.gradientNorm(),
              EmbeddingOutliers.of(program, session, spec.rareTokens()), session.routing()));
        }
      }
      if (checkpointDue) {
        write(new Checkpoint(new Checkpoint.Head(spec.fingerprint(), step, earlier + step, position,
            spec.identity(), listener.toRemember()), session.state()));
        lastCheckpoint = System.nanoTime();
      }
      if (stops) {
        throw new InterruptedException("asked to stop, after step " + step);
      }
    }
    return position;
  }

  /** Where training rounds weights, and after an update one is too large for that. */
  private DivergedException unroundable(long step, RoundingException e) {
    return new DivergedException("the weights cannot be rounded after step " + step + ", learning rate "
        + spec.schedule().learningRate(step) + ": " + e.getMessage() + "; " + largestTensor()
        + ". A lower learning rate or a longer warm-up usually helps.");
  }

  private void requireSound(long step, double loss) {
    double uniform = Math.log(program.vocabulary());
    double learningRate = spec.schedule().learningRate(step);
    if (!Double.isFinite(loss)) {
      throw new DivergedException(
          "the loss is " + loss + " at step " + step + ", learning rate " + learningRate + "; "
              + firstBrokenTensor() + ". A lower learning rate or a longer warm-up usually helps.");
    }
    if (loss > DIVERGED * uniform + 1) {
      throw new DivergedException("the loss has diverged to " + loss + " nats at step " + step
          + ", learning rate " + learningRate + " (uniform guessing costs " + uniform + " nats); "
          + largestTensor() + ". A lower learning rate or a longer warm-up usually helps.");
    }
  }

  private String firstBrokenTensor() {
    float[] flat = session.state().get(Session.PARAMETERS);
    for (Parameter parameter : program.parameters()) {
      for (int i = 0; i < parameter.tensor().size(); i++) {
        float value = flat[(int) parameter.offset() + i];
        if (!Float.isFinite(value)) {
          return "first tensor with such a number: " + parameter.tensor() + ", element " + i + " is " + value;
        }
      }
    }
    return "every parameter is still finite, so it was born in the forward pass";
  }

  private String largestTensor() {
    float[] flat = session.state().get(Session.PARAMETERS);
    String largest = "";
    float size = -1;
    for (Parameter parameter : program.parameters()) {
      for (int i = 0; i < parameter.tensor().size(); i++) {
        float value = Math.abs(flat[(int) parameter.offset() + i]);
        if (value > size) {
          size = value;
          largest = parameter.tensor().toString();
        }
      }
    }
    return "the largest parameter, of size " + size + ", is in " + largest;
  }
}
