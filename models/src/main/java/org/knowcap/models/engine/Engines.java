package org.knowcap.models.engine;

import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Finds the engines on the class path. */
public final class Engines {
  private Engines() {}

  /** Every engine, the preferred first, available or not. */
  public static List<Engine> all() {
    return ServiceLoader.load(Engine.class)
        .stream()
        .map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparingInt(Engine::rank))
        .toList();
  }

  /**
   * The preferred engine that this machine can run.
   *
   * @throws EngineUnavailableException where there is none, with each one's reason
   */
  public static Engine preferred() {
    return all().stream()
        .filter(engine -> engine.unavailable().isEmpty())
        .findFirst()
        .orElseThrow(() -> new EngineUnavailableException("no engine can run here:" + all().stream()
            .map(e -> "\n  " + e.name() + ": " + e.unavailable().orElse("available"))
            .collect(Collectors.joining())));
  }

  /**
   * The engine of a name, whether it can run here or not.
   *
   * @throws UnknownEngineException where there is none of that name
   */
  public static Engine known(String name) {
    return all().stream()
        .filter(e -> e.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new UnknownEngineException("no engine is named '" + name + "'; there are: "
            + all().stream().map(Engine::name).collect(Collectors.joining(", "))));
  }

  /**
   * The engine of a name.
   *
   * @throws UnknownEngineException where there is none of that name
   * @throws EngineUnavailableException where it cannot run here
   */
  public static Engine named(String name) {
    Engine engine = known(name);
    engine.unavailable().ifPresent(reason -> {
      throw new EngineUnavailableException("engine '" + name + "' cannot run here: " + reason);
    });
    return engine;
  }
}
