package org.knowcap.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are not what they should be: one message each, of a kind that the command line shows, naming the file. */
class BadFilesTest {
  private static final int FILES = 400;

  @TempDir
  Path directory;

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  private byte[] sound(RandomGenerator random) throws IOException {
    Map<String, Safetensors.Array> tensors = new LinkedHashMap<>();
    for (int i = 0; i < 4; i++) {
      int rows = random.nextInt(1, 5);
      int columns = random.nextInt(1, 5);
      float[] flat = new float[rows * columns];
      for (int j = 0; j < flat.length; j++) {
        flat[j] = random.nextFloat();
      }
      tensors.put("block." + i, new Safetensors.Array(new long[]{rows, columns}, flat, 0));
    }
    Path file = directory.resolve("sound.safetensors");
    new Safetensors(Map.of("step", "7"), tensors).write(file);
    return Files.readAllBytes(file);
  }

  /** Reads what may be damaged: it is read whole, or refused in one message that names the file. */
  private boolean refused(byte[] bytes) throws IOException {
    Path file = directory.resolve("bad.safetensors");
    Files.write(file, bytes);
    try {
      Safetensors read = Safetensors.read(file);
      long held = read.tensors().values().stream().mapToLong(Safetensors.Array::size).sum();
      assertTrue(4 * held < bytes.length);
      return false;
    } catch (CheckpointException e) {
      assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().lines().count() == 1,
          e.getMessage());
      return true;
    } catch (RuntimeException e) {
      return fail(new String(bytes, StandardCharsets.ISO_8859_1), e);
    }
  }

  /** A byte of the header, which ends in "]}}", changed at random. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aDamagedHeaderIsReadOrRefused(long seed) throws IOException {
    RandomGenerator random = random(seed);
    byte[] sound = sound(random);
    int header = 8 + (int) ByteBuffer.wrap(sound).order(ByteOrder.LITTLE_ENDIAN).getLong();
    int refused = 0;
    for (int i = 0; i < FILES; i++) {
      byte[] bad = sound.clone();
      int changes = random.nextInt(1, 4);
      for (int change = 0; change < changes; change++) {
        bad[random.nextInt(header)] = (byte) (random.nextBoolean()
            ? random.nextInt(256)
            : "0123456789[]{},:\"-eE".charAt(random.nextInt(20)));
      }
      refused += refused(bad) ? 1 : 0;
    }
    assertTrue(refused > FILES / 2, refused + " of " + FILES);
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 5})
  void aFileCutOffOrContinuedIsRefused(long seed) throws IOException {
    RandomGenerator random = random(seed);
    byte[] sound = sound(random);
    for (int i = 0; i < FILES; i++) {
      int length = random.nextInt(2 * sound.length);
      assertEquals(length != sound.length, refused(Arrays.copyOf(sound, length)), "length " + length);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {6, 7})
  void noiseIsRefused(long seed) throws IOException {
    RandomGenerator random = random(seed);
    for (int i = 0; i < FILES; i++) {
      byte[] noise = new byte[random.nextInt(300)];
      random.nextBytes(noise);
      if (random.nextBoolean() && noise.length >= 8) {
        ByteBuffer.wrap(noise).order(ByteOrder.LITTLE_ENDIAN).putLong(random.nextInt(300));
      }
      assertTrue(refused(noise));
    }
  }

  /** JSON that is well formed, with a value of it replaced: other types, other numbers, missing and doubled keys. */
  @ParameterizedTest
  @ValueSource(longs = {8, 9, 10})
  void aHeaderOfOtherValuesIsRefused(long seed) throws IOException {
    RandomGenerator random = random(seed);
    String[] values = {"null", "true", "\"F32\"", "\"BF16\"", "\"I64\"", "{}", "[]", "[1]", "[0,1,2]", "-1",
        "1e99", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "0.5", "\"4\"",
        "[[0,4]]", "[4,0]", "[-4,0]", "[2147483647,2147483647,4]", "[0.5,4.5]"};
    for (int i = 0; i < FILES; i++) {
      String dtype = "\"F32\"";
      String shape = "[2,1]";
      String offsets = "[0,8]";
      String metadata = "{\"step\":\"7\"}";
      String other = values[random.nextInt(values.length)];
      switch (random.nextInt(4)) {
        case 0 -> dtype = other.equals(dtype) ? "1" : other;
        case 1 -> shape = other.equals("[]") ? "[3]" : other;
        case 2 -> offsets = other;
        default -> metadata = other.equals("{}") ? "[]" : other;
      }
      String header = "{\"__metadata__\":" + metadata + ",\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape
          + ",\"data_offsets\":" + offsets + "}}";
      assertTrue(refused(file(header, 8)), header);
    }
    assertTrue(refused(file("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8)));
    for (String header : new String[]{"[]", "null", "7", "{\"a\":7}", "{\"a\":{}}", "\"a\"", "{}x", "  "}) {
      assertTrue(refused(file(header, 8)), header);
    }
  }

  private static byte[] file(String header, int data) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  /** A file that does not change reads the same; damage of the data itself cannot be seen, but is no crash. */
  @Test
  void aChangedNumberIsAnotherNumber() throws IOException {
    byte[] sound = sound(random(11));
    byte[] bad = sound.clone();
    bad[bad.length - 1] ^= 0x40;
    assertTrue(!refused(bad));
    Safetensors read = Safetensors.read(directory.resolve("bad.safetensors"));
    Safetensors original = Safetensors.read(directory.resolve("sound.safetensors"));
    assertArrayEquals(original.tensors().get("block.0").flat(), read.tensors().get("block.0").flat());
  }

  @Test
  void aMissingFileIsNamed() {
    Path file = directory.resolve("none.safetensors");
    assertTrue(
        assertThrows(IOException.class, () -> Safetensors.read(file)).getMessage().contains(file.toString()));
  }
}
