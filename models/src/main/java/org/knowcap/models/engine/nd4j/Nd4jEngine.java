package org.knowcap.models.engine.nd4j;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.Properties;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.EngineUnavailableException;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.InspectableSession;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.program.Program;
import org.nd4j.linalg.api.environment.Nd4jEnvironment;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The engine on ND4J: on its CPU backend by default, or on its CUDA backend if the build's profile put that on the
 * class path.
 */
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
    return "ND4J " + version() + ", " + Nd4j.getBackend().getClass().getSimpleName() + ", "
        + Nd4j.getExecutioner().getEnvironmentInformation().getProperty(Nd4jEnvironment.BLAS_VENDOR_KEY);
  }

  /** From the properties that Maven puts into a jar. */
  private static String version() {
    Properties properties = new Properties();
    try (
        InputStream in = Nd4j.class.getResourceAsStream("/META-INF/maven/org.nd4j/nd4j-api/pom.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      // A repacked jar may lack them: the version is then unknown.
    }
    return properties.getProperty("version", "of unknown version");
  }

  @Override
  public InspectableSession compile(Program program, Execution execution) {
    unavailable().ifPresent(reason -> {
      throw new EngineUnavailableException("engine 'nd4j' cannot run here: " + reason);
    });
    if (execution.precision() == Precision.BF16) {
      throw new EngineUnavailableException("engine 'nd4j' computes in fp32 only; use precision fp32 or auto");
    }
    execution.requireExactWeights(name(), program);
    return new Nd4jSession(program);
  }
}
