#!/bin/sh
# Eclipse's Java formatter writes no space between the type patterns of a case label, and cannot wrap a list of them.
#
# Seen with net.revelc.code.formatter:formatter-maven-plugin 2.27.0 (Eclipse JDT) and compiler settings for Java 24: of
#     case Long _, Short _ -> 2;
# it makes "case Long _,Short _ -> 2;", whatever insert_space_after_comma_in_switch_case_expressions says, which it keeps for lists of
# constants ("case 1, 2 ->"). A list of many patterns becomes one line, far beyond the line length, whatever
# alignment_for_expressions_in_switch_case_with_arrow says. Sources laid out so look hand-broken, and are checked to be.
#
# Needs Maven and a JDK of at least 17. Exit code 0 if this is still so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p src/main/java
cat > src/main/java/Kinds.java <<'JAVA'
class Kinds {
  int kind(Object o) {
    return switch (o) {
      case Long _, Short _ -> 2;
      case java.util.ArrayList _, java.util.LinkedList _, java.util.HashMap _, java.util.TreeMap _, java.util.HashSet _, java.util.TreeSet _ -> 3;
      default -> switch (o.hashCode()) {
        case 1, 2 -> 1;
        default -> 0;
      };
    };
  }
}
JAVA
cat > format.xml <<'XML'
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<profiles version="23">
  <profile kind="CodeFormatterProfile" name="finding" version="23">
    <setting id="org.eclipse.jdt.core.compiler.source" value="24"/>
    <setting id="org.eclipse.jdt.core.compiler.compliance" value="24"/>
    <setting id="org.eclipse.jdt.core.compiler.codegen.targetPlatform" value="24"/>
    <setting id="org.eclipse.jdt.core.formatter.lineSplit" value="80"/>
    <setting id="org.eclipse.jdt.core.formatter.insert_space_after_comma_in_switch_case_expressions" value="insert"/>
    <setting id="org.eclipse.jdt.core.formatter.alignment_for_expressions_in_switch_case_with_arrow" value="16"/>
  </profile>
</profiles>
XML
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>format</artifactId>
  <version>1</version>
  <properties>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
</project>
POM
mvn -q -B net.revelc.code.formatter:formatter-maven-plugin:2.27.0:format -Dconfigfile="$folder/format.xml" -Dformatter.lineending=LF
grep -o 'case .*[a-z_12] ->' src/main/java/Kinds.java | tee seen
cat > expected <<'SEEN'
case Long _,Short _ ->
case java.util.ArrayList _,java.util.LinkedList _,java.util.HashMap _,java.util.TreeMap _,java.util.HashSet _,java.util.TreeSet _ ->
case 1, 2 ->
SEEN
diff expected seen
