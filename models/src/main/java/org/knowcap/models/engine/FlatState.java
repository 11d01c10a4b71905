package org.knowcap.models.engine;

import java.util.LinkedHashMap;
import java.util.Map;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Program;

/** A session's flat buffers by name: {@link Session#PARAMETERS} and those of the optimiser. */
public final class FlatState {
  /** Where an engine has the buffers. */
  public interface Buffers {
    /** Copies a whole buffer. */
    void read(String name, float[] to);

    /** Overwrites a whole buffer. */
    void write(String name, float[] from);
  }

  private final Map<String, Integer> sizes = new LinkedHashMap<>();
  private final Buffers buffers;

  public FlatState(Program program, Buffers buffers) {
    this.buffers = buffers;
    sizes.put(Session.PARAMETERS, Math.toIntExact(program.parameterCount()));
    program.optimiser()
        .map(Optimiser::state)
        .ifPresent(state -> state
            .forEach(buffer -> sizes.put(buffer.key(), Math.toIntExact(program.stateCount(buffer)))));
  }

  /** As {@link Session#state}. */
  public Map<String, float[]> copies() {
    Map<String, float[]> copies = new LinkedHashMap<>();
    sizes.forEach((name, size) -> {
      float[] copy = new float[size];
      buffers.read(name, copy);
      copies.put(name, copy);
    });
    return copies;
  }

  /**
   * As {@link Session#load}: nothing is overwritten where a name or a length is wrong.
   *
   * @throws IllegalArgumentException for a name or a length that is not the program's
   */
  public void load(Map<String, float[]> state) {
    state.forEach((name, content) -> {
      Integer size = sizes.get(name);
      if (size == null) {
        throw new IllegalArgumentException(
            "no state '" + name + "' in this program; it has " + sizes.keySet());
      }
      if (size != content.length) {
        throw new IllegalArgumentException(
            "state '" + name + "' has " + size + " elements, found " + content.length);
      }
    });
    state.forEach(buffers::write);
  }
}
