#!/bin/sh
# Jackson's YAML tree model does not resolve aliases: an alias becomes a text node that holds the anchor's name.
#
# Seen with tools.jackson.dataformat:jackson-dataformat-yaml 3.2.4 on JDK 25: of the valid document
#     rate: &r 0.5
#     again: *r
# readTree makes {"rate":0.5,"again":"r"}, without an error or a warning. YAML says that both are the number 0.5. A reader of
# settings that accepts words would take the name of the anchor as the setting. SnakeYAML Engine, which Jackson parses with,
# resolves the same alias when it is asked to load the document itself.
#
# Needs Maven and a JDK of at least 17. Exit code 0 if this is still so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>yaml</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>tools.jackson.dataformat</groupId>
      <artifactId>jackson-dataformat-yaml</artifactId>
      <version>3.2.4</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=jars
cat > Alias.java <<'JAVA'
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

class Alias {
  public static void main(String[] arguments) {
    String text = "rate: &r 0.5\nagain: *r\n";
    JsonNode tree = new YAMLMapper().readTree(text);
    System.out.println("Jackson: " + tree);
    System.out.println("SnakeYAML Engine: " + new Load(LoadSettings.builder().build()).loadFromString(text));
  }
}
JAVA
java -cp 'jars/*' Alias.java | tee seen
cat > expected <<'SEEN'
Jackson: {"rate":0.5,"again":"r"}
SnakeYAML Engine: {rate=0.5, again=0.5}
SEEN
diff expected seen
