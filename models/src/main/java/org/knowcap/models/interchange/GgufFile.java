package org.knowcap.models.interchange;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A GGUF file, version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): metadata, then the tensors' names,
 * shapes, types and places, then their bytes, each beginning on a multiple of 32. All numbers are little-endian.
 */
final class GgufFile {
  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;
  /** Codes of the types of metadata. */
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /**
   * A tensor.
   *
   * @param shape rows before columns, as ours
   * @param type code of its type
   * @param content its bytes
   */
  record Tensor(String name, long[] shape, int type, byte[] content) {}

  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /** Sets a value: an Integer (unsigned), Float, Boolean, String, String[] or int[]. */
  GgufFile put(String key, Object value) {
    metadata.put(key, value);
    return this;
  }

  void add(Tensor tensor) {
    tensors.add(tensor);
  }

  /** Writes the file. */
  void write(OutputStream out) throws IOException {
    Bytes head = new Bytes();
    head.raw("GGUF".getBytes(StandardCharsets.US_ASCII))
        .number(VERSION)
        .longNumber(tensors.size())
        .longNumber(metadata.size());
    metadata.forEach((key, value) -> head.text(key).value(value));
    long offset = 0;
    for (Tensor tensor : tensors) {
      head.text(tensor.name).number(tensor.shape.length);
      for (int i = tensor.shape.length - 1; i >= 0; i--) {
        head.longNumber(tensor.shape[i]);
      }
      head.number(tensor.type).longNumber(offset);
      offset += padded(tensor.content.length);
    }
    write(out, head.content());
    for (Tensor tensor : tensors) {
      write(out, tensor.content);
    }
  }

  private static long padded(long length) {
    return Math.ceilDiv(length, ALIGNMENT) * ALIGNMENT;
  }

  private static void write(OutputStream out, byte[] content) throws IOException {
    out.write(content);
    out.write(new byte[(int) (padded(content.length) - content.length)]);
  }

  /** Bytes that grow. */
  private static final class Bytes {
    private ByteBuffer buffer = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);

    private ByteBuffer room(int bytes) {
      if (buffer.remaining() < bytes) {
        buffer = ByteBuffer.allocate(2 * buffer.capacity() + bytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(buffer.flip());
      }
      return buffer;
    }

    Bytes raw(byte[] bytes) {
      room(bytes.length).put(bytes);
      return this;
    }

    Bytes number(int value) {
      room(Integer.BYTES).putInt(value);
      return this;
    }

    Bytes longNumber(long value) {
      room(Long.BYTES).putLong(value);
      return this;
    }

    Bytes text(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      return longNumber(bytes.length).raw(bytes);
    }

    void value(Object value) {
      switch (value) {
        case Integer i -> number(UINT32).number(i);
        case Float f -> number(FLOAT32).number(Float.floatToRawIntBits(f));
        case Boolean b -> number(BOOL).raw(new byte[]{(byte) (b ? 1 : 0)});
        case String s -> number(STRING).text(s);
        case String[] texts -> {
          number(ARRAY).number(STRING).longNumber(texts.length);
          for (String text : texts) {
            text(text);
          }
        }
        case int[] numbers -> {
          number(ARRAY).number(INT32).longNumber(numbers.length);
          for (int each : numbers) {
            number(each);
          }
        }
        default -> throw new IllegalArgumentException("no metadata of type " + value.getClass());
      }
    }

    byte[] content() {
      byte[] content = new byte[buffer.position()];
      buffer.flip().get(content);
      return content;
    }
  }
}
