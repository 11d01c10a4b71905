package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** The pools and templates of a corpus: the toolkit's own, or a directory's. */
public sealed interface Lists {
  /** The entries in force. */
  Pools pools();

  Templates templates();

  /**
   * What stands for the lists in {@code run.json}.
   *
   * @param digest of a corpus that is made of them and depends on nothing else but its kind
   */
  Object settings(Supplier<String> digest);

  /** The toolkit's own lists, which a version of it fixes; cut to their first entries. */
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
