package org.knowcap.experiments.tensorboard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.run.RunFolder.Metric;
import org.knowcap.testing.TestSeed;

/** Event files, read by a decoder of the test's own, and beside bytes that TensorBoard 2.21.0's own writer wrote. */
class EventFilesTest {
  /** Three records by tensorboard.summary.writer.record_writer: a version, a session's start, a step with two scalars. */
  private static final String BY_TENSORBOARD = "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a32"
      + "2a28646c0d000000000000003c37b83409000000000000f83f3a020801b718825c31000000000000009d8383e9090000000000000a4010ac02"
      + "2a230a0b0a046c6f737315000030400a140a0d6772616469656e745f6e6f726d150000c07fcf654c1e";

  @TempDir
  private Path directory;

  private static Metric metric(long step, double loss, double seconds) {
    return new Metric(step, loss, 0.001, 1000, seconds, Optional.empty(), Optional.of(0.5), Optional.empty(),
        List.of(), Optional.empty());
  }

  /**
   * What TensorBoard shows: the loss by step, each with its wall time. The last file says that what earlier ones have is void, be their
   * ends whole records or not.
   */
  private static Map<Long, List<Double>> shown(Path folder) throws IOException {
    Path last;
    try (Stream<Path> files = Files.list(folder)) {
      last = files.max(Path::compareTo).orElseThrow();
    }
    List<Map<Integer, Object>> events = records(Files.readAllBytes(last)).stream()
        .map(EventFilesTest::fields)
        .toList();
    assertEquals("brain.Event:2", text(events.getFirst().get(3)));
    assertEquals(Map.of(1, 1L), fields((byte[]) events.get(1).get(7)), "a session starts");
    assertFalse(events.get(1).containsKey(2), "at step 0");
    Map<Long, List<Double>> shown = new TreeMap<>();
    events.stream()
        .skip(2)
        .forEach(event -> shown.put((Long) event.get(2),
            List.of(scalars((byte[]) event.get(5)).get("loss"), (Double) event.get(1))));
    return shown;
  }

  private static List<byte[]> records(byte[] file) {
    List<byte[]> records = new ArrayList<>();
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      byte[] length = new byte[8];
      bytes.get(length);
      assertEquals(masked(length), bytes.getInt());
      byte[] data = new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      bytes.get(data);
      assertEquals(masked(data), bytes.getInt());
      records.add(data);
    }
    return records;
  }

  /** CRC32C, bit by bit, with TFRecord's mask. */
  private static int masked(byte[] data) {
    int crc = -1;
    for (byte each : data) {
      crc ^= each & 0xff;
      for (int i = 0; i < 8; i++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : crc >>> 1 ^ 0x82f63b78;
      }
    }
    crc = ~crc;
    return (crc >>> 15 | crc << 17) + 0xa282ead8;
  }

  /** The fields of a protocol buffer; of a field that occurs several times the last. */
  private static Map<Integer, Object> fields(byte[] message) {
    Map<Integer, Object> fields = new LinkedHashMap<>();
    all(message).forEach(field -> fields.put(field.getKey(), field.getValue()));
    return fields;
  }

  private static List<Map.Entry<Integer, Object>> all(byte[] message) {
    List<Map.Entry<Integer, Object>> fields = new ArrayList<>();
    ByteBuffer bytes = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      int key = (int) varint(bytes);
      Object value = switch (key & 7) {
        case 0 -> varint(bytes);
        case 1 -> bytes.getDouble();
        case 2 -> {
          byte[] content = new byte[(int) varint(bytes)];
          bytes.get(content);
          yield content;
        }
        case 5 -> bytes.getFloat();
        default -> throw new AssertionError("wire type " + (key & 7));
      };
      fields.add(Map.entry(key >>> 3, value));
    }
    return fields;
  }

  private static long varint(ByteBuffer bytes) {
    long value = 0;
    for (int shift = 0;; shift += 7) {
      byte next = bytes.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static String text(Object bytes) {
    return new String((byte[]) bytes, StandardCharsets.UTF_8);
  }

  private static Map<String, Double> scalars(byte[] summary) {
    Map<String, Double> scalars = new LinkedHashMap<>();
    for (Map.Entry<Integer, Object> value : all(summary)) {
      assertEquals(1, value.getKey());
      Map<Integer, Object> fields = fields((byte[]) value.getValue());
      scalars.put(text(fields.get(1)), (double) (Float) fields.get(2));
    }
    return scalars;
  }

  @Test
  void recordsHaveTheBytesThatTensorBoardWrites() {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", 2.75);
    values.put("gradient_norm", Double.NaN);
    EventWriter writer = new EventWriter(1.5);
    writer.scalars(3.25, 300, values);
    assertEquals(BY_TENSORBOARD, HexFormat.of().formatHex(writer.content()));
    assertEquals(1.5, EventWriter.wallTime(writer.content()));
    assertEquals(3, records(writer.content()).size());
  }

  /** A run that is killed and goes on, and a writer that is killed in the middle of a record, as often as may be. */
  @Test
  void theFilesAlwaysShowWhatTheRunHasReported() throws IOException {
    RandomGenerator random = new SplittableRandom(TestSeed.value());
    List<Metric> metrics = new ArrayList<>(List.of(metric(1, 8, 0.1)));
    Path folder = directory.resolve("run");
    EventFiles files = new EventFiles(folder);
    double now = 1.7e9;
    for (int i = 0; i < 60; i++) {
      if (random.nextInt(6) == 0) {
        metrics.subList(1 + random.nextInt(metrics.size()), metrics.size()).clear();
      }
      for (int j = random.nextInt(4); j > 0; j--) {
        metrics.add(metric(metrics.getLast().step() + 1 + random.nextInt(200), random.nextDouble(),
            metrics.getLast().seconds() + random.nextDouble()));
      }
      now += 10;
      files.update(metrics, Optional.empty(), now);
      Map<Long, List<Double>> shown = shown(folder);
      assertEquals(metrics.stream().map(Metric::step).toList(), List.copyOf(shown.keySet()));
      double began = shown.get(1L).get(1) - metrics.getFirst().seconds();
      for (Metric metric : metrics) {
        assertEquals((float) metric.loss(), shown.get(metric.step()).getFirst());
        assertEquals(metric.seconds(), shown.get(metric.step()).get(1) - began, 1e-5);
      }
      assertFalse(files.update(metrics, Optional.empty(), now), "nothing is new");
      if (random.nextInt(4) == 0) {
        cut(folder, random);
      }
    }
  }

  /** Leaves a part of the last file, as a kill does. */
  private static void cut(Path folder, RandomGenerator random) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      Path last = files.max(Path::compareTo).orElseThrow();
      byte[] content = Files.readAllBytes(last);
      Files.write(last, Arrays.copyOf(content, random.nextInt(content.length)));
    }
  }

  @Test
  void newStepsAreAddedToTheFile() throws IOException {
    Path folder = directory.resolve("run");
    EventFiles files = new EventFiles(folder);
    assertTrue(files.update(List.of(metric(1, 8, 1)), Optional.empty(), 1.7e9));
    Path file = folder.resolve("events.out.tfevents.0000000001.knowcap");
    byte[] before = Files.readAllBytes(file);
    assertTrue(files.update(List.of(metric(1, 8, 1), metric(2, 7, 2)), Optional.empty(), 1.8e9));
    byte[] after = Files.readAllBytes(file);
    assertArrayEquals(before, Arrays.copyOf(after, before.length));
    assertEquals(4, records(after).size());
    try (Stream<Path> all = Files.list(folder)) {
      assertEquals(1, all.count());
    }
  }
}
