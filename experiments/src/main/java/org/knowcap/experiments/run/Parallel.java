package org.knowcap.experiments.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/** Work on files that is divided among all cores. */
final class Parallel {
  private Parallel() {}

  /** A function that reads or writes files. */
  interface FileFunction<A, B> {
    B of(A value) throws IOException;
  }

  /** The values of a function, in the order of the list. */
  static <A, B> List<B> map(List<A> list, FileFunction<A, B> function) throws IOException {
    try {
      return list.parallelStream().map(value -> {
        try {
          return function.of(value);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
