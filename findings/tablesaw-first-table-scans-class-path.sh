#!/bin/sh
# Tablesaw looks through every jar of the class path before a program's first table, whatever the table is.
#
# Seen with tech.tablesaw:tablesaw-core 0.44.4 (the newest release) on JDK 25. The static initialiser of tech.tablesaw.api.Table has
# ClassGraph scan the class path for readers and writers of files:
#     Table.create("t"), Tablesaw's own jars alone         loads some 60 classes of ClassGraph
#     the same with 40 large jars more on the class path   takes 2.3 s of processor time in place of 0.6 s
# So a command that prints one table pays for all libraries of its application, at each start; of Knowcap's command for tables,
# whose class path has some 80 jars, it was about 10 %. A JVM's archive of classes (CDS, AOT) does not help, because the scan reads jars,
# and a reader that a packager has renamed or left out is silently not there.
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
  <artifactId>scan</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>tech.tablesaw</groupId>
      <artifactId>tablesaw-core</artifactId>
      <version>0.44.4</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=jars
cat > First.java <<'JAVA'
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import tech.tablesaw.api.Table;

class First {
  public static void main(String[] arguments) {
    OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    // Java itself opens the jars where nothing is found: that is not counted.
    First.class.getClassLoader().getResource("nothing");
    long before = system.getProcessCpuTime();
    Table.create("t");
    System.out.println("milliseconds: " + (system.getProcessCpuTime() - before) / 1_000_000);
  }
}
JAVA
mkdir classes more
javac -cp 'jars/*' -d classes First.java
# Forty more libraries: names of a jar of 20 MB that Tablesaw needs anyway.
for i in $(seq 40); do ln jars/fastutil-*.jar more/library-$i.jar; done
java -Xlog:class+load -cp 'classes:jars/*' First 2> errors > loaded
classes=$(grep -c '\] io\.github\.classgraph\.' loaded || true)
# The lesser of three starts.
least() {
  for _ in 1 2 3; do java -cp "$1" First 2> errors || { cat errors; exit 1; }; done | sed -n 's/milliseconds: //p' | sort -n | head -n 1
}
alone=$(least 'classes:jars/*')
more=$(least 'classes:jars/*:more/*')
echo "$classes classes of ClassGraph; $alone ms, and $more ms with 40 jars more"
{
  [ "$classes" -gt 50 ] && echo "the first table has the class path scanned"
  [ "$more" -gt $((2 * alone)) ] && echo "it pays for jars that have nothing to do with tables"
  true
} | tee seen
cat > expected <<'SEEN'
the first table has the class path scanned
it pays for jars that have nothing to do with tables
SEEN
diff expected seen
