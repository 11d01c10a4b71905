#!/bin/sh
# ND4J adds up large fp32 arrays number by number in fp32: sums and norms are silently wrong, and depend on the thread count.
#
# Seen with org.nd4j:nd4j-native 1.0.0-M2.1 (the newest release) on linux-x86_64, JDK 25, of an array filled with 0.001:
#     numbers      sum, 1 thread   exact    norm2, 1 thread   exact
#     10,000,000       9,780      10,000        3.097         3.162
#     40,000,000      32,768      40,000        5.657         6.325
# At 32,768 the running sum is so large that adding 0.001 to it changes nothing any more. With several threads each adds up a
# stretch, so results change with their number. sumNumber() and norm2Number() return a double all the same.
# Clipping gradients by such a norm clips by the wrong factor.
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
  <artifactId>sums</artifactId>
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
cat > Sums.java <<'JAVA'
import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class Sums {
  public static void main(String[] arguments) {
    for (long n : new long[]{10_000_000, 40_000_000}) {
      INDArray x = Nd4j.valueArrayOf(new long[]{n}, 0.001, DataType.FLOAT);
      System.out.printf(Locale.ROOT, "%d numbers: sum %.0f of %.0f, norm2 %.3f of %.3f%n", n,
          x.sumNumber().doubleValue(), n * 0.001, x.norm2Number().doubleValue(), 0.001 * Math.sqrt(n));
    }
  }
}
JAVA
# Nothing but the class path: ND4J writes its greeting to standard error.
OMP_NUM_THREADS=1 java -cp 'jars/*' Sums.java 2>errors | grep numbers: | tee seen || { cat errors; exit 1; }
cat > expected <<'SEEN'
10000000 numbers: sum 9780 of 10000, norm2 3.097 of 3.162
40000000 numbers: sum 32768 of 40000, norm2 5.657 of 6.325
SEEN
diff expected seen
