#!/bin/sh
# Packs what `knowcap bench gpu` needs into one archive, for machines with a GPU but without Java or Maven: a Java runtime, the
# jars, and the PyTorch script to compare with. There: unpack, then
#     ./gpu-kit/bench --out results            # parity and speed of the cuda engine
#     python3 gpu-kit/peer_torch.py            # PyTorch on the same shapes
# Usage: scripts/gpu-kit.sh [ARCHIVE]          # default gpu-kit.tar.xz; JAVA_HOME must name a JDK 25
set -eu

home=$(cd "$(dirname "$0")/.." && pwd -P)
archive=${1:-gpu-kit.tar.xz}
[ -x "${JAVA_HOME:-}/bin/jlink" ] || { echo "gpu-kit: set JAVA_HOME to a JDK 25 (with jlink)" >&2; exit 1; }
"$home/knowcap" --version >/dev/null # builds what is not built

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
kit="$folder/gpu-kit"
mkdir -p "$kit/lib"
"$JAVA_HOME/bin/jlink" --strip-debug --no-header-files --no-man-pages --compress zip-0 --output "$kit/java" \
  --add-modules java.base,java.logging,java.management,java.naming,java.sql,java.xml,jdk.incubator.vector,jdk.unsupported
# The cpu engine, which results are compared with, does without its native library here: the models compared are small.
for jar in knowcap- picocli- jackson- snakeyaml- javacpp-1 commons-math3- slf4j- jtokkit- progressbar- tablesaw-core- xchart- \
  VectorGraphics2D- carpet- jmh-core-; do
  for file in "$home"/experiments/target/app/"$jar"*.jar; do
    case "$file" in *-1.0.0-M2.1.jar | *-linux-* | *-windows-* | *-macosx-*) ;; *) cp "$file" "$kit/lib/" ;; esac
  done
done
cp "$home/benchmarks/peer_torch.py" "$kit/"
cat > "$kit/bench" <<'BENCH'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd -P)
exec "$here/java/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
  -cp "$here/lib/*" org.knowcap.experiments.cli.Knowcap bench gpu "$@"
BENCH
chmod +x "$kit/bench"
tar -C "$folder" -cJf "$archive" gpu-kit
echo "$archive: $(du -m "$archive" | cut -f1) MB"
