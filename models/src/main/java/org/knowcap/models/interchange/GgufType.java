package org.knowcap.models.interchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.knowcap.models.quantisation.GgufFormat;

/** What a GGUF file keeps matrices in. */
public enum GgufType {
  /** Everything exact. */
  F32(0, 0, Optional.empty()),
  /** Matrices, embeddings and the head in half precision. */
  F16(1, 1, Optional.empty()),
  /** The blocks' matrices in {@link GgufFormat#Q8_0}. */
  Q8_0(8, 7, Optional.of(GgufFormat.Q8_0)),
  /** The blocks' matrices in {@link GgufFormat#Q4_0}. */
  Q4_0(2, 2, Optional.of(GgufFormat.Q4_0)),
  /** The blocks' matrices in {@link GgufFormat#Q4_K}. */
  Q4_K(12, 14, Optional.of(GgufFormat.Q4_K));

  /** Code of a tensor's type. */
  private final int code;
  /** Code of the file's type. */
  private final int file;
  private final Optional<GgufFormat> format;

  GgufType(int code, int file, Optional<GgufFormat> format) {
    this.code = code;
    this.file = file;
    this.format = format;
  }

  /**
   * The type with this name, in capitals or not.
   *
   * @throws IllegalArgumentException where there is none
   */
  public static GgufType named(String name) {
    return Arrays.stream(values())
        .filter(type -> type.name().equals(name.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(
            "must be " + Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "))
                + ", found '" + name + "'"));
  }

  int fileCode() {
    return file;
  }

  int code() {
    return code;
  }

  /** Its blocks, if it has some. */
  Optional<GgufFormat> blocks() {
    return format;
  }

  /** Whether it has blocks. */
  boolean inBlocks() {
    return format.isPresent();
  }

  /** The type of a block's matrix with such rows: this one, or half precision if its blocks do not fit. */
  GgufType ofRows(long inputs) {
    return format.filter(blocks -> !blocks.divides(inputs)).isPresent() ? F16 : this;
  }

  /** The bytes of numbers in this type. */
  byte[] encode(float[] numbers) {
    if (format.isPresent()) {
      return format.get().encode(numbers);
    }
    int width = this == F16 ? Short.BYTES : Float.BYTES;
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(width, numbers.length))
        .order(ByteOrder.LITTLE_ENDIAN);
    for (float number : numbers) {
      if (this == F16) {
        bytes.putShort(GgufFormat.half(number));
      } else {
        bytes.putFloat(number);
      }
    }
    return bytes.array();
  }

  /** The numbers that bytes of this type stand for. */
  float[] decode(byte[] encoded) {
    if (format.isPresent()) {
      return format.get().decode(encoded);
    }
    ByteBuffer bytes = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
    float[] numbers = new float[encoded.length / (this == F16 ? Short.BYTES : Float.BYTES)];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = this == F16 ? Float.float16ToFloat(bytes.getShort()) : bytes.getFloat();
    }
    return numbers;
  }
}
