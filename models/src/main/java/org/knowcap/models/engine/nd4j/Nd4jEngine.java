package org.knowcap.models.engine.nd4j;

import java.util.Optional;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Program;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.factory.Nd4jBackend;

/** ND4J: its CPU backend by default, its CUDA backend where the build's profile put that on the class path. */
public final class Nd4jEngine implements Engine {
  @Override
  public String name() {
    return "nd4j";
  }

  @Override
  public int rank() {
    return 100;
  }

  @Override
  public Optional<String> unavailable() {
    try {
      Nd4j.getExecutioner();
      return Optional.empty();
    } catch (LinkageError | RuntimeException e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      return Optional.of("ND4J found no backend that loads (" + cause.getClass().getSimpleName() + ": "
          + cause.getMessage() + ")");
    }
  }

  @Override
  public String description() {
    Nd4jBackend backend = Nd4j.getBackend();
    return "ND4J " + Nd4j.class.getPackage().getImplementationVersion() + ", "
        + backend.getClass().getSimpleName()
        + ", " + Nd4j.getBlasWrapper().level3().getClass().getSimpleName();
  }

  @Override
  public Session compile(Program program) {
    unavailable().ifPresent(reason -> {
      throw new EngineUnavailableException("engine 'nd4j' cannot run here: " + reason);
    });
    return new Nd4jSession(program);
  }
}
