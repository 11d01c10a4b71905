package org.knowcap.spark;

import java.io.IOException;
import java.io.PrintStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import scala.Function2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;
import scala.runtime.BoxedUnit;

/**
 * The program for spark-submit: {@code SparkTasks TABLE COMMAND...} runs the command once for each line of the table, as a
 * Spark task, with the words of the line behind it. Each time that a task ends it prints a line on standard output,
 * {@code knowcap-task K CODE TEXT}: the line's number, counted from 0, the command's exit code, and the last line that the
 * command printed. It ends when its standard input does, because then nobody waits for it any more.
 */
public final class SparkTasks {
  private SparkTasks() {}

  /**
   * @param arguments the table's file, then the command's words
   * @throws IOException if the table cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    List<String> lines = Files.readAllLines(Path.of(arguments[0]), StandardCharsets.UTF_8);
    List<String> command = List.of(arguments).subList(1, arguments.length);
    Thread parent = new Thread(SparkTasks::awaitEndOfInput, "parent");
    parent.setDaemon(true);
    parent.start();
    // Only what this program says goes to standard output.
    PrintStream out = System.out;
    System.setOut(System.err);
    try (JavaSparkContext spark = new JavaSparkContext(new SparkConf())) {
      // A task that is stopped stops its process.
      spark.setJobGroup("knowcap", "knowcap " + Path.of(arguments[0]).getFileName(), true);
      RDD<String> said = spark.parallelize(lines, Math.max(1, lines.size()))
          .map(new CommandTask(new ArrayList<>(command)))
          .rdd();
      Function2<TaskContext, Iterator<String>, String> only = (Function2<TaskContext, Iterator<String>, String> & Serializable) (
          context, texts) -> texts.next();
      Function2<Object, String, BoxedUnit> report = (number, text) -> {
        out.println("knowcap-task " + number + " " + text);
        out.flush();
        return BoxedUnit.UNIT;
      };
      Seq<Object> all = CollectionConverters
          .asScala(IntStream.range(0, lines.size()).<Object>mapToObj(Integer::valueOf).toList())
          .toSeq();
      spark.sc().runJob(said, only, all, report, ClassTag$.MODULE$.<String>apply(String.class));
    }
  }

  private static void awaitEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // The parent never writes; only the end matters.
      }
    } catch (IOException e) {
      // A broken pipe is an end too.
    }
    System.exit(1);
  }
}
