#!/bin/sh
# An AOT cache of a program that uses an incubator module, such as the Vector API, has neither a module graph nor linked classes.
#
# Seen with Temurin 25.0.3 on linux-x86_64: a program that prints a word, its cache made by -XX:AOTCacheOutput, and one more module.
#     --add-modules java.sql                from the cache: the module graph, linked classes, some 750 classes
#     --add-modules jdk.incubator.vector    from the cache: no module graph, no linked classes, some 430 classes
# Making the second cache says "[error][aot] archivedBootLayer not available, disabling full module graph", and then that the cache
# is complete, with exit code 0. Using it says nothing (-Xlog:aot does): the JVM builds its modules and links its classes at each
# start. A command that can do without the Vector API is better started without its module, from a cache made without it.
#
# Needs a JDK of at least 25 as java and javac on the PATH or in JAVA_HOME. Exit code 0 if this is still so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
PATH="${JAVA_HOME:+$JAVA_HOME/bin:}$PATH"
cat > Word.java <<'JAVA'
class Word {
  public static void main(String[] arguments) {
    System.out.println("word");
  }
}
JAVA
javac Word.java
for module in java.sql jdk.incubator.vector; do
  java -XX:AOTCacheOutput=$module.aot --add-modules $module -cp . Word > made 2>&1
  grep -q 'AOTCache creation is complete' made || { cat made; exit 1; }
  java -XX:AOTCache=$module.aot --add-modules $module -Xlog:aot -cp . Word > used 2>&1
  grep -qx word used || { cat used; exit 1; }
  echo "$module: $(grep -o 'archivedBootLayer not available' made || echo 'no complaint'); full module graph" \
    "$(sed -n 's/.*\] full module graph: //p' used); linked classes: $(sed -n 's/.*Using AOT-linked classes: \([a-z]*\).*/\1/p' used)"
done | tee seen
cat > expected <<'SEEN'
java.sql: no complaint; full module graph enabled; linked classes: true
jdk.incubator.vector: archivedBootLayer not available; full module graph disabled; linked classes: false
SEEN
diff expected seen
