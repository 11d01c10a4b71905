package org.knowcap.experiments.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArchitectureTest {
  private static final JavaClasses CLASSES = new ClassFileImporter()
      .withImportOption(new ImportOption.DoNotIncludeTests())
      .withImportOption(location -> !location.contains("/org/knowcap/testing/"))
      .importPackages("org.knowcap");

  @ParameterizedTest
  @CsvSource({"files, generators|models|analysis|experiments", "generators, models|analysis|experiments",
      "models, generators|analysis|experiments", "analysis, generators|models|experiments"})
  void aModuleKnowsNothingOfTheOthers(String module, String others) {
    String[] packages = Stream.of(others.split("\\|"))
        .map(other -> "org.knowcap." + other + "..")
        .toArray(String[]::new);
    noClasses().that()
        .resideInAPackage("org.knowcap." + module + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(packages)
        .check(CLASSES);
  }

  @ParameterizedTest
  @ValueSource(strings = {"generators", "models", "analysis", "experiments"})
  void thePackagesOfAModuleHaveNoCycles(String module) {
    slices().matching("org.knowcap." + module + ".(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void onlyExperimentsKnowsTheCommandLine() {
    noClasses().that()
        .resideOutsideOfPackage("org.knowcap.experiments..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("picocli..")
        .check(CLASSES);
  }

  @Test
  void noTypeOfNd4jLeavesItsEngineAndItsGraphs() {
    noClasses().that()
        .resideOutsideOfPackages("org.knowcap.models.engine.nd4j", "org.knowcap.models.interchange.samediff")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.nd4j..")
        .check(CLASSES);
    noClasses().that()
        .resideOutsideOfPackages("org.knowcap.models.engine.nd4j", "org.knowcap.models.engine.cpu")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco..")
        .check(CLASSES);
  }

  @Test
  void vectorsAreTheCpuEnginesOwn() {
    noClasses().that()
        .resideOutsideOfPackage("org.knowcap.models.engine.cpu")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator.vector..")
        .check(CLASSES);
  }

  @Test
  void onlyTheCommandLineTalksAndExits() {
    noClasses().that()
        .resideOutsideOfPackages("org.knowcap.experiments.cli", "org.knowcap.spark")
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .check(CLASSES);
  }

  @Test
  void randomnessIsPassedIn() {
    noClasses().should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.util.Random")
        .orShould()
        .callMethod(Math.class, "random")
        .check(CLASSES);
  }

  @Test
  void nothingStaticChanges() {
    fields().that().areStatic().should().haveModifier(JavaModifier.FINAL).check(CLASSES);
  }

  @Test
  void everyPackageSaysWhatItIs() throws IOException {
    Path root = Path.of(System.getProperty("user.dir")).toAbsolutePath().getParent();
    Set<Path> modules = new TreeSet<>();
    Set<Path> silent = new TreeSet<>();
    try (Stream<Path> sources = Stream.of("files", "generators", "models", "analysis", "experiments")
        .map(module -> root.resolve(module).resolve("src/main/java"))
        .flatMap(ArchitectureTest::walk)) {
      sources.filter(file -> file.toString().endsWith(".java")).forEach(file -> {
        modules.add(root.relativize(file).getName(0));
        if (Files.notExists(file.resolveSibling("package-info.java"))) {
          silent.add(root.relativize(file.getParent()));
        }
      });
    }
    assertEquals(5, modules.size(),
        () -> "sources were looked for under " + root + " and found in " + modules);
    assertTrue(silent.isEmpty(), () -> "packages without package-info.java: " + silent);
  }

  private static Stream<Path> walk(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.toList().stream();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
