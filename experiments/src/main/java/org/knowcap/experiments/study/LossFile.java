package org.knowcap.experiments.study;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.knowcap.files.WholeFile;
import tools.jackson.core.JacksonException;

/**
 * A file of what a run's model knows of each person, by which another run chooses the people it is trained on.
 *
 * @param name of the file, as the study leads there
 * @param file it
 * @param content of it
 */
public record LossFile(String name, Path file, Content content) {
  private static final String MAKES_IT = "'knowcap measure RUN --losses FILE' makes it";

  /**
   * What stands in a file.
   *
   * @param run whose model was measured
   * @param step after which it was
   * @param people digest of the corpus's people and of what is true of them
   * @param lossNats of the values of person 0, 1, ... together, nats
   */
  public record Content(String run, long step, String people, List<Double> lossNats) {
    public Content {
      // Where a file leaves them out.
      Objects.requireNonNull(run);
      Objects.requireNonNull(people);
      lossNats = List.copyOf(lossNats);
      if (lossNats.isEmpty()) {
        throw new IllegalArgumentException("'loss_nats' is an empty list");
      }
      for (int person = 0; person < lossNats.size(); person++) {
        if (!(lossNats.get(person) >= 0) || lossNats.get(person).isInfinite()) {
          throw new IllegalArgumentException("the loss of person " + person
              + " must be a number of nats, at least 0, found " + lossNats.get(person));
        }
      }
    }

    /** Writes it. */
    public void write(Path to) throws IOException {
      WholeFile.write(to, out -> out.write(Json.MAPPER.writeValueAsBytes(this)));
    }
  }

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException if it is not there, cannot be read, or is no such file
   */
  static LossFile read(String name, Path file) {
    try {
      return new LossFile(name, file, Json.MAPPER.readValue(Files.readAllBytes(file), Content.class));
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(file + " is not there; " + MAKES_IT, e);
    } catch (JacksonException e) {
      throw new IllegalArgumentException(file + " is no file of losses"
          + (e.getCause() instanceof IllegalArgumentException cause ? ": " + cause.getMessage() : "") + "; "
          + MAKES_IT, e);
    } catch (IOException e) {
      throw new IllegalArgumentException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The people of a corpus and what is true of them, whatever training shows of them; absent where people cannot be left out of training. */
  public static Optional<String> people(CorpusSpec corpus, long seed) {
    return switch (corpus) {
      case CorpusSpec.GeneratedSpec generated -> Optional.of(generated.source(seed, 0).digest());
      case CorpusSpec.ExposedSpec exposed -> people(exposed.of(), seed);
      default -> Optional.empty();
    };
  }

  /**
   * Refuses a corpus of other people.
   *
   * @param corpus whose people are to be chosen
   * @param seed that determines them
   * @throws IllegalArgumentException where the losses are of others
   */
  void requireOf(CorpusSpec corpus, long seed) {
    if (!people(corpus, seed).equals(Optional.of(content.people))) {
      throw new IllegalArgumentException(
          file + " has losses of " + content.lossNats.size() + " people as the run " + content.run
              + " knows them, but they are others than those of " + corpus.name() + " with the corpus seed "
              + seed + "; measure a run of that corpus and seed, and give each seed a file of its own");
    }
  }
}
