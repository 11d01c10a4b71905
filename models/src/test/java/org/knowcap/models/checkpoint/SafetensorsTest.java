package org.knowcap.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  @TempDir
  Path directory;

  private Path written() throws IOException {
    Map<String, Safetensors.Array> tensors = new LinkedHashMap<>();
    float[] flat = {9, 1, 2, 3, 4, 5, 6, 9};
    tensors.put("a", new Safetensors.Array(new long[]{2, 2}, flat, 1));
    tensors.put("b", new Safetensors.Array(new long[]{2}, flat, 5));
    Path file = directory.resolve("x.safetensors");
    new Safetensors(Map.of("step", "7"), tensors).write(file);
    return file;
  }

  /** The bytes, as the format's definition says them. */
  @Test
  void writesTheFormat() throws IOException {
    String header = "{\"__metadata__\":{\"step\":\"7\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],"
        + "\"data_offsets\":[0,16]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24]}}";
    int padded = (header.length() + 7) / 8 * 8;
    ByteBuffer expected = ByteBuffer.allocate(8 + padded + 24).order(ByteOrder.LITTLE_ENDIAN);
    expected.putLong(padded).put(header.getBytes(StandardCharsets.UTF_8));
    while (expected.position() < 8 + padded) {
      expected.put((byte) ' ');
    }
    for (float value : new float[]{1, 2, 3, 4, 5, 6}) {
      expected.putFloat(value);
    }
    assertArrayEquals(expected.array(), Files.readAllBytes(written()));
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(1, files.count(), "nothing is left beside the file");
    }
  }

  @Test
  void readsWhatItWrote() throws IOException {
    Safetensors read = Safetensors.read(written());
    assertEquals(Map.of("step", "7"), read.metadata());
    assertArrayEquals(new float[]{1, 2, 3, 4}, read.tensors().get("a").flat());
    assertArrayEquals(new long[]{2}, read.tensors().get("b").shape());
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] whole = Files.readAllBytes(written());
    for (int length = 0; length < whole.length; length++) {
      Path cut = directory.resolve("cut.safetensors");
      Files.write(cut, Arrays.copyOf(whole, length));
      String message = assertThrows(CheckpointException.class, () -> Safetensors.read(cut)).getMessage();
      assertTrue(message.contains("cut.safetensors") && message.contains("truncated"), message);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"{'a':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}} | expected 0",
          "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | overlap",
          "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}} | cannot lie",
          "{'a':{'dtype':'F16','shape':[2],'data_offsets':[0,4]}} | F16",
          "{'a':{'dtype':'F32','shape':[4611686018427387904],'data_offsets':[0,0]}} | cannot lie",
          "{'a':{'dtype':'F32','shape':[9],'data_offsets':[0,36]}} | truncated", "{'a': | no JSON"})
  void refusesUnsoundHeaders(String header, String expected) throws IOException {
    byte[] text = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + text.length + 8).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(text.length).put(text);
    Path path = directory.resolve("bad.safetensors");
    Files.write(path, file.array());
    String message = assertThrows(CheckpointException.class, () -> Safetensors.read(path)).getMessage();
    assertTrue(message.contains(expected), message);
  }
}
