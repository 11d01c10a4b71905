#!/bin/sh
# Surefire with forkCount 2 loads the test classes in Maven's own JVM, although forks run them on the toolchain's newer JDK.
#
# Seen with maven-surefire-plugin 3.5.4, maven-toolchains-plugin 3.2.0, junit-jupiter 6.1.3 and Maven on JDK 17, toolchain JDK
# 25: with <forkCount>1</forkCount> (the default) the tests pass. With <forkCount>2</forkCount> the build fails before any fork
# starts, with UnsupportedClassVersionError: to hand classes out to forks, Surefire first asks the JUnit provider inside Maven's
# JVM which classes hold tests, and that JVM cannot read class files of release 25. Maven has to
# run on the newer JDK, or the tests in one fork.
#
# Needs Maven on a JDK from 17 to 24, and a JDK 25 where the toolchains plugin finds it. Exit code 0 if this is still so, 2 if
# the JDKs are others.
set -eu
version=$(mvn -v | sed -n 's/^Java version: \([0-9]*\).*/\1/p')
[ "$version" -ge 17 ] && [ "$version" -lt 25 ] || { echo "Maven runs on JDK $version; wanted 17 to 24" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>forks</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.release>25</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.junit.jupiter</groupId>
      <artifactId>junit-jupiter</artifactId>
      <version>6.1.3</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-toolchains-plugin</artifactId>
        <version>3.2.0</version>
        <executions>
          <execution>
            <goals>
              <goal>select-jdk-toolchain</goal>
            </goals>
            <configuration>
              <version>[25,)</version>
            </configuration>
          </execution>
        </executions>
      </plugin>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-resources-plugin</artifactId>
        <version>3.4.0</version>
      </plugin>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-compiler-plugin</artifactId>
        <version>3.14.1</version>
      </plugin>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-surefire-plugin</artifactId>
        <version>3.5.4</version>
        <configuration>
          <forkCount>${forks}</forkCount>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
POM
mkdir -p src/test/java
for name in First Second; do
  cat > src/test/java/${name}Test.java <<JAVA
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class ${name}Test {
  @Test
  void runsOnTheToolchain() {
    Assertions.assertTrue(Runtime.version().feature() >= 25);
  }
}
JAVA
done
mvn -B -Dforks=1 test > one 2>&1 || { cat one; echo "the tests fail in one fork too"; exit 1; }
grep -m 1 'Tests run: 2' one
if mvn -B -Dforks=2 test > two 2>&1; then
  echo "the tests pass in two forks: changed" >&2
  exit 1
fi
grep -m 1 -o 'UnsupportedClassVersionError: [A-Za-z]*Test has been compiled by a more recent version' two
