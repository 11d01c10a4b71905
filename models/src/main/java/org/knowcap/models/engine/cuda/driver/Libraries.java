package org.knowcap.models.engine.cuda.driver;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.knowcap.files.WholeFile;
import org.jspecify.annotations.Nullable;

/**
 * Finds NVIDIA's libraries: in the folders of {@link #SETTING}, on the loader's path, where CUDA toolkits and Python's
 * wheels put them, and the compiler also in the jar that the Maven profile {@code cuda} adds.
 */
// Native code is what this class is for.
@SuppressWarnings("restricted")
public final class Libraries {
  /** Environment variable: folders to look in first, separated as in a path. */
  public static final String SETTING = "KNOWCAP_CUDA_LIBRARIES";

  /** Major versions of CUDA that the engine knows, the newest first. */
  private static final List<Integer> MAJORS = List.of(13, 12);
  private static final int MOST_LINKS = 10;
  /** Where conda's own packages put libraries, as against pip's within an environment of conda's. */
  private static final List<String> CONDA_FOLDERS = List.of("lib", "targets/x86_64-linux/lib");
  private static final String JAR_FOLDER = "/org/bytedeco/cuda/linux-x86_64/";

  /** A library and where it was found. */
  public record Found(SymbolLookup symbols, String where) {}

  private final List<Path> folders;
  private final Path unpacked;
  private final boolean everywhere;

  private Libraries(List<Path> folders, Path unpacked, boolean everywhere) {
    this.folders = folders;
    this.unpacked = unpacked;
    this.everywhere = everywhere;
  }

  /**
   * Looks everywhere.
   *
   * @param unpacked folder to unpack a jar's libraries into
   */
  public static Libraries ofThisMachine(Path unpacked) {
    return new Libraries(folders(System.getenv()), unpacked, true);
  }

  /** Folders where the libraries may be, as an environment says. */
  static List<Path> folders(Map<String, String> environment) {
    List<Path> folders = new ArrayList<>();
    addPath(folders, environment.get(SETTING));
    addPath(folders, environment.get("LD_LIBRARY_PATH"));
    for (String home : List.of("CUDA_HOME", "CUDA_PATH")) {
      Optional.ofNullable(environment.get(home)).ifPresent(root -> folders.add(Path.of(root, "lib64")));
    }
    folders.add(Path.of("/usr/local/cuda/lib64"));
    matches(Path.of("/usr/local"), "cuda-*").forEach(root -> folders.add(root.resolve("lib64")));
    folders.add(Path.of("/opt/cuda/lib64"));
    folders.add(Path.of("/usr/lib/wsl/lib"));
    List<Path> roots = pythonRoots(environment);
    packages(roots).flatMap(packages -> matches(packages.resolve("nvidia"), "*").stream())
        .forEach(wheel -> folders.add(wheel.resolve("lib")));
    roots.stream()
        .filter(root -> Files.isDirectory(root.resolve("conda-meta")))
        .flatMap(root -> CONDA_FOLDERS.stream().map(root::resolve))
        .forEach(folders::add);
    return folders.stream().distinct().toList();
  }

  /** Looks in these folders and nowhere else. */
  public static Libraries in(List<Path> folders) {
    return new Libraries(List.copyOf(folders), Path.of("."), false);
  }

  private static void addPath(List<Path> folders, @Nullable String path) {
    if (path != null) {
      Stream.of(path.split(File.pathSeparator))
          .filter(part -> !part.isBlank())
          .map(Path::of)
          .forEach(folders::add);
    }
  }

  /** Where Pythons are installed: the environment that is active, that of each python3 on the path, and the system's. */
  private static List<Path> pythonRoots(Map<String, String> environment) {
    List<Path> roots = new ArrayList<>();
    for (String root : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      Optional.ofNullable(environment.get(root)).map(Path::of).ifPresent(roots::add);
    }
    List<Path> path = new ArrayList<>();
    addPath(path, environment.get("PATH"));
    path.stream().map(folder -> folder.resolve("python3")).filter(Files::isExecutable).forEach(python -> {
      roots.addAll(roots(python));
      roots.addAll(behindShim(python, environment));
    });
    roots.add(Path.of(System.getProperty("user.home"), ".local"));
    roots.add(Path.of("/usr/local"));
    roots.add(Path.of("/usr"));
    return roots;
  }

  /**
   * What pyenv, asdf or mise may start by a python3 in their folder of shims: pyenv's versions, those first that it is told to
   * take, and the others' installations.
   */
  private static List<Path> behindShim(Path python, Map<String, String> environment) {
    Path bin = python.toAbsolutePath().getParent();
    if (bin == null || bin.getParent() == null || !bin.endsWith("shims")) {
      return List.of();
    }
    Path home = bin.getParent();
    List<Path> roots = new ArrayList<>();
    Stream.concat(Stream.ofNullable(environment.get("PYENV_VERSION")), told(home.resolve("version")))
        .flatMap(names -> Stream.of(names.split("[:\\s]+")))
        .filter(name -> !name.isBlank())
        .forEach(name -> roots.add(home.resolve("versions").resolve(name)));
    roots.addAll(matches(home.resolve("versions"), "*"));
    roots.addAll(matches(home.resolve("installs").resolve("python"), "*"));
    return roots;
  }

  private static Stream<String> told(Path file) {
    try {
      return Files.isRegularFile(file) ? Stream.of(Files.readString(file)) : Stream.empty();
    } catch (IOException e) {
      // What cannot be read says nothing.
      return Stream.empty();
    }
  }

  /** Folders that hold Python packages. */
  private static Stream<Path> packages(List<Path> roots) {
    return roots.stream()
        .flatMap(root -> Stream.of(root.resolve("lib"), root.resolve("lib64")))
        .flatMap(lib -> matches(lib, "python3*").stream())
        .flatMap(python -> Stream.of(python.resolve("site-packages"), python.resolve("dist-packages")));
  }

  /**
   * The folders above bin/ of a python3 and of what it is a link to, link by link, up to a virtual environment: there it is
   * a link to the interpreter, whose packages are others.
   */
  private static List<Path> roots(Path python) {
    List<Path> roots = new ArrayList<>();
    Path at = python.toAbsolutePath();
    for (int hop = 0; hop < MOST_LINKS; hop++) {
      try {
        // The folder itself may be a link too.
        Path bin = at.resolveSibling("").toRealPath();
        Path root = bin.resolve("..").normalize();
        roots.add(root);
        if (Files.exists(root.resolve("pyvenv.cfg")) || !Files.isSymbolicLink(at)) {
          break;
        }
        at = bin.resolve(Files.readSymbolicLink(at)).normalize();
      } catch (IOException e) {
        // What cannot be read leads nowhere.
        break;
      }
    }
    return roots;
  }

  private static List<Path> matches(Path folder, String glob) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
        entries.forEach(found::add);
      } catch (IOException e) {
        // A folder that cannot be read holds nothing for us.
      }
    }
    found.sort(null);
    return found.reversed();
  }

  /** The driver's library. */
  public Optional<Found> driver() {
    return named("libcuda.so.1");
  }

  /**
   * The compiler, with its companion opened before it: it looks for that by name alone.
   *
   * @param major the newest major version of CUDA that the driver knows
   */
  public Optional<Found> compiler(int major) {
    if (everywhere) {
      unpack();
    }
    for (int version : MAJORS) {
      if (version <= major) {
        matching("libnvrtc-builtins.so." + version + ".*");
        Optional<Found> found = named("libnvrtc.so." + version);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
  }

  /**
   * Matrix products.
   *
   * @param major the newest major version of CUDA that the driver knows
   */
  public Optional<Found> products(int major) {
    return MAJORS.stream()
        .filter(version -> version <= major)
        .flatMap(version -> named("libcublasLt.so." + version).stream())
        .findFirst();
  }

  /** Opens the newest file of such a name, wherever there is one. */
  private void matching(String glob) {
    places().flatMap(folder -> matches(folder, glob).stream()).findFirst().ifPresent(this::open);
  }

  private Optional<Found> named(String file) {
    return places().map(folder -> folder.resolve(file))
        .filter(Files::exists)
        .flatMap(path -> open(path).stream())
        .findFirst()
        .or(() -> everywhere ? byName(file) : Optional.empty());
  }

  private Stream<Path> places() {
    return everywhere ? Stream.concat(folders.stream(), Stream.of(unpacked)) : folders.stream();
  }

  private Optional<Found> open(Path path) {
    try {
      return Optional.of(new Found(SymbolLookup.libraryLookup(path, Arena.global()), path.toString()));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** As the system's loader finds it. */
  private Optional<Found> byName(String name) {
    try {
      return Optional.of(new Found(SymbolLookup.libraryLookup(name, Arena.global()), name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Unpacks the compiler from the jar of the Maven profile, if that is on the class path, once. */
  private void unpack() {
    for (String file : List.of("libnvrtc-builtins.so.13.1", "libnvrtc.so.13")) {
      Path target = unpacked.resolve(file);
      if (Files.exists(target)) {
        continue;
      }
      try (InputStream in = Libraries.class.getResourceAsStream(JAR_FOLDER + file)) {
        if (in != null) {
          WholeFile.make(target, aside -> Files.copy(in, aside));
        }
      } catch (IOException e) {
        throw new UncheckedIOException("cannot unpack " + file + " into " + unpacked, e);
      }
    }
  }
}
