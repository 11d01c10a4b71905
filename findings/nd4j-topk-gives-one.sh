#!/bin/sh
# SameDiff's nn().topK(x, k, sorted) gives one value and one index, whatever k is.
#
# Seen with org.nd4j:nd4j-native 1.0.0-M2.1 (the newest release) on linux-x86_64, JDK 25: topK([[1, 5, 3, 4]], 2, true) gives
# the values [[5]] and the indices [[1]] where it should give [[5, 4]] and [[1, 3]]. It looks as if k did not reach the native operation,
# whose default is 1. The operation itself knows k: called by name, with k among its integer arguments, it gives two of each.
# A router of a mixture of experts that asks for its two best experts would work on one without an error.
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
  <artifactId>topk</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.nd4j</groupId>
      <artifactId>nd4j-native</artifactId>
      <version>1.0.0-M2.1</version>
    </dependency>
    <dependency>
      <groupId>org.nd4j</groupId>
      <artifactId>nd4j-native</artifactId>
      <version>1.0.0-M2.1</version>
      <classifier>linux-x86_64</classifier>
    </dependency>
    <dependency>
      <groupId>org.bytedeco</groupId>
      <artifactId>openblas</artifactId>
      <version>0.3.19-1.5.7</version>
      <classifier>linux-x86_64</classifier>
    </dependency>
    <dependency>
      <groupId>org.bytedeco</groupId>
      <artifactId>javacpp</artifactId>
      <version>1.5.7</version>
      <classifier>linux-x86_64</classifier>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=jars
cat > TopK.java <<'JAVA'
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

class TopK {
  public static void main(String[] arguments) {
    INDArray x = Nd4j.createFromArray(new float[][]{{1, 5, 3, 4}});
    SameDiff graph = SameDiff.create();
    SDVariable[] top = graph.nn().topK(graph.constant(x), 2, true);
    System.out.println("SameDiff, k = 2: " + top[0].eval() + " at " + top[1].eval());
    INDArray[] named = Nd4j.exec(
        DynamicCustomOp.builder("top_k").addInputs(x).addIntegerArguments(2).addBooleanArguments(true).build());
    System.out.println("by name, k = 2: " + named[0] + " at " + named[1]);
  }
}
JAVA
java -cp 'jars/*' TopK.java 2>errors | grep 'k = 2:' | tee seen || { cat errors; exit 1; }
cat > expected <<'SEEN'
SameDiff, k = 2: [[5.0000]] at [[1]]
by name, k = 2: [[    5.0000,    4.0000]] at [[         1,         3]]
SEEN
diff expected seen
