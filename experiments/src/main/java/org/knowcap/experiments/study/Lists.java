package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
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
   * @param kind of corpus
   * @param digest of a corpus that is made of them and depends on nothing else but its kind
   */
  Object settings(String kind, Supplier<String> digest);

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
    public Object settings(String kind, Supplier<String> digest) {
      return sizes;
    }
  }

  /** Lists of a directory. Equal lists of one directory are equal. */
  final class InDirectory implements Lists {
    private final String name;
    private final Path directory;
    private final Pools pools;
    private final Templates templates;
    /** By kind of corpus. A digest takes as long as a corpus, and every name of a run needs it. */
    private final Map<String, String> digests = new ConcurrentHashMap<>();

    /**
     * @param name of the directory, as the study gives it
     * @param directory where they were read
     * @param pools what was read, cut
     * @param templates what was read
     */
    InDirectory(String name, Path directory, Pools pools, Templates templates) {
      this.name = name;
      this.directory = directory;
      this.pools = pools;
      this.templates = templates;
    }

    /** Name of the directory, as the study gives it. */
    public String name() {
      return name;
    }

    /** Where they were read. */
    public Path directory() {
      return directory;
    }

    @Override
    public Pools pools() {
      return pools;
    }

    @Override
    public Templates templates() {
      return templates;
    }

    @Override
    public Object settings(String kind, Supplier<String> digest) {
      return new TreeMap<>(
          Map.of("digest", digests.computeIfAbsent(kind, _ -> digest.get()), "sizes", pools.sizes()));
    }

    @Override
    public boolean equals(Object other) {
      return other == this || other instanceof InDirectory lists && name.equals(lists.name)
          && directory.equals(lists.directory) && pools.equals(lists.pools)
          && templates.equals(lists.templates);
    }

    @Override
    public int hashCode() {
      return Objects.hash(name, directory, pools.sizes());
    }
  }
}
