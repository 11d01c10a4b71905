package org.knowcap.models.engine.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where NVIDIA's libraries are looked for, on machines whose python3 is set up as people do. */
class LibrariesTest {
  @TempDir
  private Path root;

  /** A Python with wheels of NVIDIA's: its folder of libraries. */
  private Path wheels(String prefix) throws IOException {
    return Files
        .createDirectories(root.resolve(prefix).resolve("lib/python3.12/site-packages/nvidia/cu13/lib"));
  }

  private Path interpreter(String prefix) throws IOException {
    Path bin = Files.createDirectories(root.resolve(prefix).resolve("bin"));
    Path python = Files.writeString(bin.resolve("python3.12"), "");
    assumeTrue(python.toFile().setExecutable(true));
    return Files.createSymbolicLink(bin.resolve("python3"), Path.of("python3.12"));
  }

  private List<Path> folders(Path... bins) {
    return Libraries.folders(
        Map.of("PATH", String.join(File.pathSeparator, List.of(bins).stream().map(Path::toString).toList())));
  }

  /** No VIRTUAL_ENV says that there is one; what it links to has other packages. */
  @Test
  void aVirtualEnvironmentOnThePathIsEnough() throws IOException {
    Path system = interpreter("system");
    wheels("system");
    Path wanted = wheels("torch");
    Files.createDirectories(root.resolve("torch/bin"));
    Files.writeString(root.resolve("torch/pyvenv.cfg"), "home = system/bin\n");
    Files.createSymbolicLink(root.resolve("torch/bin/python"), system);
    Files.createSymbolicLink(root.resolve("torch/bin/python3"), Path.of("python"));
    List<Path> found = folders(root.resolve("torch/bin"));
    assertTrue(found.contains(wanted.toRealPath()), found::toString);
    assertFalse(found.contains(root.resolve("system/lib/python3.12/site-packages/nvidia/cu13/lib")),
        found::toString);
  }

  /** A link on the path leads to an environment elsewhere: as far as that, by a folder that is itself a link. */
  @Test
  void linksAreFollowedAsFarAsTheEnvironment() throws IOException {
    Path system = interpreter("system");
    Path wanted = wheels("torch");
    Files.createDirectories(root.resolve("torch/bin"));
    Files.writeString(root.resolve("torch/pyvenv.cfg"), "home = system/bin\n");
    Files.createSymbolicLink(root.resolve("torch/bin/python3"), system);
    Files.createDirectories(root.resolve("tools"));
    Files.createSymbolicLink(root.resolve("tools/python3"), root.resolve("torch/bin/python3"));
    assertTrue(folders(root.resolve("tools")).contains(wanted.toRealPath()));
    Files.createSymbolicLink(root.resolve("linked"), root.resolve("torch/bin"));
    assertTrue(folders(root.resolve("linked")).contains(wanted.toRealPath()));
  }

  /** An environment of conda's has libraries in its own folders, whether it is activated or only on the path. */
  @Test
  void condasOwnLibrariesAreFound() throws IOException {
    interpreter("conda");
    Path lib = Files.createDirectories(root.resolve("conda/lib")).toRealPath();
    assertFalse(folders(root.resolve("conda/bin")).contains(lib));
    Files.createDirectories(root.resolve("conda/conda-meta"));
    List<Path> found = folders(root.resolve("conda/bin"));
    assertTrue(found.contains(lib) && found.contains(lib.resolveSibling("targets/x86_64-linux/lib")),
        found::toString);
    assertTrue(Libraries.folders(Map.of("CONDA_PREFIX", root.resolve("conda").toString()))
        .contains(root.resolve("conda/lib")));
  }

  /** A shim is a script that starts another python3, which pyenv is told in a file or by the environment. */
  @Test
  void whatAShimStartsIsFoundAndWhatPyenvIsToldComesFirst() throws IOException {
    Path shims = Files.createDirectories(root.resolve("pyenv/shims"));
    assumeTrue(Files.writeString(shims.resolve("python3"), "#!/bin/sh\n").toFile().setExecutable(true));
    Path old = wheels("pyenv/versions/3.11.9");
    Path chosen = wheels("pyenv/versions/3.10.1");
    wheels("pyenv/versions/3.12.3");
    Files.writeString(root.resolve("pyenv/version"), "3.10.1\n");
    List<Path> found = folders(shims);
    assertTrue(found.contains(old) && found.indexOf(chosen) < found.indexOf(old), found::toString);
    List<Path> told = Libraries.folders(Map.of("PATH", shims.toString(), "PYENV_VERSION", "3.11.9"));
    assertTrue(told.indexOf(old) < told.indexOf(chosen), told::toString);
    Path asdf = Files.createDirectories(root.resolve("asdf/shims"));
    assumeTrue(Files.writeString(asdf.resolve("python3"), "#!/bin/sh\n").toFile().setExecutable(true));
    Path installed = wheels("asdf/installs/python/3.12.1");
    assertTrue(folders(asdf).contains(installed));
  }

  /** Each python3 on the path counts, not the first alone, and one that links to itself does no harm. */
  @Test
  void everyPythonOnThePathIsLookedAt() throws IOException {
    interpreter("first");
    interpreter("second");
    Path wanted = wheels("second");
    Files.createDirectories(root.resolve("round"));
    Files.createSymbolicLink(root.resolve("round/python3"), Path.of("python3"));
    List<Path> found = folders(root.resolve("nowhere"), root.resolve("round"), root.resolve("first/bin"),
        root.resolve("second/bin"));
    assertTrue(found.contains(wanted.toRealPath()), found::toString);
  }
}
