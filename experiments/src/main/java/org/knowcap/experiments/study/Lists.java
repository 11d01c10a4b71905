package org.knowcap.experiments.study;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.knowcap.generators.biod.BioD;
import org.knowcap.generators.biod.BioDShape;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/**
 * The pools and templates of a corpus: Knowcap's own, or those of a directory. They are tokenised once: corpora of other people
 * and other seeds are made from one source.
 */
public abstract sealed class Lists {
  private final Pools pools;
  private final Templates templates;
  private final Map<BioDShape, BioD> bioDs = new ConcurrentHashMap<>();
  private Optional<BioS> bioS = Optional.empty();

  /**
   * @param pools cut to the entries that are used
   */
  private Lists(Pools pools, Templates templates) {
    this.pools = pools;
    this.templates = templates;
  }

  /** The entries that are used. */
  public final Pools pools() {
    return pools;
  }

  public final Templates templates() {
    return templates;
  }

  /** bioS of one person of seed 0. */
  final synchronized BioS bioS() {
    bioS = Optional.of(bioS.orElseGet(() -> new BioS(1, 0, pools, templates)));
    return bioS.get();
  }

  /** bioD of one person of seed 0. */
  final BioD bioD(BioDShape shape) {
    return bioDs.computeIfAbsent(shape, _ -> new BioD(1, shape, 0, pools));
  }

  /**
   * The value of the lists in {@code run.json}.
   *
   * @param kind of corpus
   * @param digest of a corpus that is made of them and depends on nothing else but its kind
   */
  abstract Object settings(String kind, Supplier<String> digest);

  /** Knowcap's own lists, which are fixed in each version, cut to their first entries. */
  public static final class Shipped extends Lists {
    /** @throws IllegalArgumentException if a list is shorter than its size */
    public Shipped(PoolSizes sizes) {
      super(Pools.shipped(sizes), Templates.shipped());
    }

    @Override
    Object settings(String kind, Supplier<String> digest) {
      return pools().sizes();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Shipped lists && pools().sizes().equals(lists.pools().sizes());
    }

    @Override
    public int hashCode() {
      return pools().sizes().hashCode();
    }
  }

  /** Lists of a directory. Equal lists of one directory are equal. */
  public static final class InDirectory extends Lists {
    private final String name;
    private final Path directory;
    /** By kind of corpus. Every name of a run needs it. */
    private final Map<String, String> digests = new ConcurrentHashMap<>();

    /**
     * @param name of the directory, as the study gives it
     * @param directory where they were read
     * @param pools what was read, cut
     * @param templates what was read
     */
    InDirectory(String name, Path directory, Pools pools, Templates templates) {
      super(pools, templates);
      this.name = name;
      this.directory = directory;
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
    Object settings(String kind, Supplier<String> digest) {
      return new TreeMap<>(
          Map.of("digest", digests.computeIfAbsent(kind, _ -> digest.get()), "sizes", pools().sizes()));
    }

    @Override
    public boolean equals(Object other) {
      return other == this || other instanceof InDirectory lists && name.equals(lists.name)
          && directory.equals(lists.directory) && pools().equals(lists.pools())
          && templates().equals(lists.templates());
    }

    @Override
    public int hashCode() {
      return Objects.hash(name, directory, pools().sizes());
    }
  }
}
