#!/bin/sh
# The bar of me.tongfei:progressbar overwrites a line that the program prints between two of its drawings, and takes a window for wider
# than it is.
#
# Seen with me.tongfei:progressbar 0.10.2 (with jline-terminal 3.29.0) on JDK 25, in a window of 60 columns:
#     TERM=xterm   the first drawing ends its line; each further one goes a line up, draws, and goes a line down again. After a line that
#                  the program prints in between, "a line up" is that line, so the next drawing overwrites it.
#     TERM=dumb    drawings have 79 columns, so that each of them breaks into a second line of the window and none is erased.
# It also leaves a bar of one column to a message that is longer than the window, and cuts the message without a sign, so that what
# stands at its end (here the time left) is never shown.
#
# Needs Maven, Python 3 (for a terminal of a known size) and a JDK of at least 17. Exit code 0 if this is still so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>bar</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>me.tongfei</groupId>
      <artifactId>progressbar</artifactId>
      <version>0.10.2</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=jars
cat > Bar.java <<'JAVA'
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

class Bar {
  public static void main(String[] arguments) throws InterruptedException {
    try (ProgressBar bar = new ProgressBarBuilder().setTaskName("runs")
        .setInitialMax(1000)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(100)
        .build()) {
      for (int i = 1; i <= 4; i++) {
        bar.stepTo(100 * i).setExtraMessage("loss 3.412 at 12.3k tokens/s; loss 2.991 at 11.8k tokens/s; loss 2.871; 3 min left");
        Thread.sleep(1000);
        if (i == 2) {
          System.out.println("\na line in between");
        }
      }
    }
  }
}
JAVA
mkdir classes
javac -cp 'jars/*' -d classes Bar.java
# Starts a command in a terminal of 60 columns, plays what it writes on a screen, and says what is seen.
cat > terminal.py <<'PYTHON'
import fcntl, os, pty, re, struct, sys, termios
child, screen = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
written = b""
while True:
    try:
        part = os.read(screen, 4096)
    except OSError:
        break
    if not part:
        break
    written += part
os.waitpid(child, 0)
text = written.decode()
drawings = re.findall(r"runs +\d+% [^\r\n\x1b]*", text)
rows, row, column = {}, 0, 0
for sign in re.findall(r"\x1b\[\d*[A-Za-z]|[\s\S]", text):
    if sign == "\r":
        column = 0
    elif sign == "\n":
        row += 1
    elif sign.startswith("\x1b["):
        count = int(sign[2:-1] or 1)
        row += {"A": -count, "B": count}.get(sign[-1], 0)
    else:
        rows.setdefault(row, {})[column] = sign
        column += 1
lines = ["".join(cells.get(i, " ") for i in range(max(cells) + 1)) for cells in rows.values()]
print("longest drawing, columns:", max(map(len, drawings)))
print("the time left is in a drawing:", any("min left" in drawing for drawing in drawings))
print("the line in between is on the screen:", any("a line in between" in line for line in lines))
PYTHON
for terminal in xterm dumb; do
  echo "TERM=$terminal"
  TERM=$terminal python3 terminal.py java -cp 'classes:jars/*' Bar
done | tee seen
cat > expected <<'SEEN'
TERM=xterm
longest drawing, columns: 59
the time left is in a drawing: False
the line in between is on the screen: False
TERM=dumb
longest drawing, columns: 79
the time left is in a drawing: False
the line in between is on the screen: True
SEEN
diff expected seen
