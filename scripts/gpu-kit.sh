#!/bin/sh
# Packs Knowcap into one archive, for machines with a GPU but without Java or Maven: a Java runtime, the jars, and the scripts
# that compare with PyTorch and transformers. There:
#     tar -xf gpu-kit.tar.xz
#     gpu-kit/gpu-check.sh A results                                         # everything, in minutes: see that script
#     gpu-kit/knowcap bench gpu --out results --peer gpu-kit/peer_torch.py   # parity and speed, beside PyTorch
#     gpu-kit/knowcap run STUDY.yaml --out runs                              # studies with engine cuda or cpu
# Usage: scripts/gpu-kit.sh [ARCHIVE [JARS]]   # default gpu-kit.tar.xz; JAVA_HOME must name a JDK 25
# JARS is a folder with Knowcap's jars and its libraries'; without it this working tree is built where need be.
set -eu

home=$(cd "$(dirname "$0")/.." && pwd -P)
archive=${1:-gpu-kit.tar.xz}
jars=${2:-}
grep -qs 'JAVA_VERSION="25' "${JAVA_HOME:-}/release" && [ -x "$JAVA_HOME/bin/jlink" ] || {
  echo "gpu-kit: set JAVA_HOME to a JDK 25 (with jlink), found '${JAVA_HOME:-}'" >&2
  exit 1
}
if [ -z "$jars" ]; then
  "$home/knowcap" --version >/dev/null # builds what is not built
  jars="$home/experiments/target/app"
fi
ls "$jars"/knowcap-experiments*.jar >/dev/null 2>&1 || {
  echo "gpu-kit: '$jars' must hold Knowcap's jars, found no knowcap-experiments*.jar there" >&2
  exit 1
}
jars=$(cd "$jars" && pwd -P)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
kit="$folder/gpu-kit"
mkdir -p "$kit/lib"
"$JAVA_HOME/bin/jlink" --strip-debug --no-header-files --no-man-pages --compress zip-0 --output "$kit/java" \
  --add-modules java.base,java.desktop,java.logging,java.management,java.naming,java.sql,java.xml,jdk.incubator.vector,jdk.unsupported
# Without the nd4j engine, what packs and exports corpora as Parquet, and DuckDB, which 'knowcap query' asks. Nor with oneDNN, which is as large as all else: the
# cpu engine, which results are compared with, does without, slowly, and the models compared are small. Jars are stored, not
# deflated, so that all of the archive is compressed as one.
for file in "$jars"/*.jar; do
  case "${file##*/}" in
    nd4j-* | openblas-* | dnnl-* | cuda-* | protobuf-* | flatbuffers-* | guava-1.0.0* | jackson-1.0.0* | icu4j-* | oshi-* | jna-*) ;;
    duckdb_jdbc-* | parquet-* | hadoop-* | carpet-* | zstd-* | jts-* | woodstox-* | stax2-* | commons-[cnp]*) ;;
    *-windows-* | *-macosx-* | *-linux-x86_64.jar) ;;
    *)
      mkdir "$folder/jar"
      (cd "$folder/jar" && "$JAVA_HOME/bin/jar" -x -f "$file" && "$JAVA_HOME/bin/jar" -c -0 -M -f "$kit/lib/${file##*/}" .)
      rm -r "$folder/jar"
      ;;
  esac
done
cp "$home/benchmarks/peer_torch.py" "$home/scripts/check_hf_export.py" "$home/scripts/gpu-check.sh" "$kit/"
# The study's first model alone: a point of the paper's in half a minute of a GPU.
sed '/^  - gpt2-/{/gpt2-2-2$/!d}' "$home/experiments/studies/paper-50k-100-exposures.yaml" > "$kit/paper-50k-gpt2-2-2.yaml"
cat > "$kit/knowcap" <<'LAUNCHER'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd -P)
exec "$here/java/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -Djava.awt.headless=true -XX:+UseParallelGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -cp "$here/lib/*" org.knowcap.experiments.cli.Knowcap "$@"
LAUNCHER
chmod +x "$kit/knowcap"
XZ_OPT="${XZ_OPT:--3 -T0}" tar -C "$folder" -cJf "$archive" gpu-kit
megabytes=$(du -m "$archive" | cut -f1)
echo "$archive: $megabytes MB"
[ "$megabytes" -le 60 ] || { echo "gpu-kit: more than 60 MB, found $megabytes: leave out what a GPU does not need" >&2; exit 1; }
