package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** The pools and templates of a corpus: Knowcap's own, or those of a directory. */
public sealed interface Lists {
  /** The entries that are used. */
  Pools pools();

  Templates templates();

  /**
   * The value of the lists in {@code run.json}.
   *
   * @param digest of a corpus that is made of them and depends on nothing else but its kind
   */
  Object settings(Supplier<String> digest);

  /** Knowcap's own lists, which are fixed in each version, cut to their first entries. */
  record Shipped(PoolSizes sizes) implements Lists {
    @Override
    public Pools pools() {
      return Pools.shipped(sizes);
    }

    @Override
    public Templates templates() {
      return Templates.shipped();
    }

    @Override
    public Object settings(Supplier<String> digest) {
      return sizes;
    }
  }

  /**
   * Lists of a directory.
   *
   * @param name of the directory, as the study gives it
   * @param directory where they were read
   * @param pools what was read, cut
   * @param templates what was read
   */
  record InDirectory(String name, Path directory, Pools pools, Templates templates) implements Lists {
    @Override
    public Object settings(Supplier<String> digest) {
      return new TreeMap<>(Map.of("digest", digest.get(), "sizes", pools.sizes()));
    }
  }
}
