package org.knowcap.models.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.knowcap.files.ParserMessage;
import org.knowcap.files.WholeFile;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A file of tensors in Hugging Face's safetensors format: a little-endian 64-bit header length, a JSON header
 * (name to dtype, shape and data_offsets; {@code __metadata__} holds strings), then the tensors row-major and
 * little-endian, without holes. Files are written in fp32. Files of other programs may be in fp16 or bf16, all of whose
 * numbers fp32 has too.
 *
 * @param metadata free strings
 * @param tensors by name, in file order
 */
public record Safetensors(Map<String, String> metadata, Map<String, Array> tensors) {
  private static final String METADATA = "__metadata__";
  /** Longest header that the reference implementation allows; a longer one is taken for damage. */
  private static final long LARGEST_HEADER = 100_000_000;

  private static final int CHUNK = 1 << 20;
  private static final JsonMapper JSON = JsonMapper.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  /** Types of elements that can be read. */
  private enum Type {
    F32(4) {
      @Override
      void read(ByteBuffer bytes, float[] to, int at, int count) {
        bytes.asFloatBuffer().get(to, at, count);
      }
    },
    BF16(2) {
      @Override
      void read(ByteBuffer bytes, float[] to, int at, int count) {
        for (int i = 0; i < count; i++) {
          to[at + i] = Float.intBitsToFloat(bytes.getShort() << 16);
        }
      }
    },
    F16(2) {
      @Override
      void read(ByteBuffer bytes, float[] to, int at, int count) {
        for (int i = 0; i < count; i++) {
          to[at + i] = Float.float16ToFloat(bytes.getShort());
        }
      }
    };

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    abstract void read(ByteBuffer bytes, float[] to, int at, int count);
  }

  /**
   * A tensor's content: part of a flat array.
   *
   * @param shape sizes of its dimensions
   * @param flat holds its elements from {@code offset} on, row-major
   */
  public record Array(long[] shape, float[] flat, int offset) {
    /** Number of elements. */
    public int size() {
      return Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    }
  }

  /** Writes beside the file, forces it to disk, then renames: the file is whole or absent. */
  public void write(Path file) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    ObjectNode strings = header.putObject(METADATA);
    metadata.forEach(strings::put);
    long end = 0;
    for (Map.Entry<String, Array> entry : tensors.entrySet()) {
      ObjectNode description = header.putObject(entry.getKey());
      description.put("dtype", "F32");
      var shape = description.putArray("shape");
      Arrays.stream(entry.getValue().shape()).forEach(shape::add);
      long start = end;
      end += 4L * entry.getValue().size();
      description.putArray("data_offsets").add(start).add(end);
    }
    byte[] text = JSON.writeValueAsBytes(header);
    byte[] padded = Arrays.copyOf(text, (text.length + 7) / 8 * 8);
    Arrays.fill(padded, text.length, padded.length, (byte) ' ');

    // Without a random name: what a killed process has left is overwritten.
    WholeFile.make(file, file.resolveSibling(".tmp-" + file.getFileName()), aside -> {
      try (FileChannel channel = FileChannel.open(aside, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
          StandardOpenOption.TRUNCATE_EXISTING)) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
        writeFully(channel, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, padded.length));
        writeFully(channel, ByteBuffer.wrap(padded));
        for (Array array : tensors.values()) {
          int last = array.offset() + array.size();
          for (int at = array.offset(); at < last; at += CHUNK / 4) {
            int count = Math.min(CHUNK / 4, last - at);
            buffer.clear();
            buffer.asFloatBuffer().put(array.flat(), at, count);
            writeFully(channel, buffer.limit(4 * count));
          }
        }
        channel.force(true);
      }
    });
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /**
   * Reads a file of fp32 tensors.
   *
   * @throws CheckpointException where it is truncated, damaged, or holds another type
   */
  public static Safetensors read(Path file) throws IOException {
    return read(file, EnumSet.of(Type.F32), _ -> true);
  }

  /**
   * Reads tensors that another program wrote in fp32, fp16 or bf16.
   *
   * @param wanted tells by a tensor's name whether to read it; others are left out, and may be of any type
   * @throws CheckpointException where it is truncated, damaged, or a tensor that is wanted is of another type
   */
  public static Safetensors readForeign(Path file, Predicate<String> wanted) throws IOException {
    return read(file, EnumSet.allOf(Type.class), wanted);
  }

  private static Safetensors read(Path file, Set<Type> types, Predicate<String> wanted) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      Contents contents = contents(file, channel, types, wanted);
      Map<String, Array> tensors = new LinkedHashMap<>();
      for (Place place : contents.places) {
        if (place.type.isPresent()) {
          tensors.put(place.name, new Array(place.shape, floats(channel, place, place.type.get()), 0));
        }
      }
      return new Safetensors(contents.metadata, tensors);
    }
  }

  private static float[] floats(FileChannel channel, Place place, Type type) throws IOException {
    float[] content = new float[(int) ((place.end - place.start) / type.bytes)];
    for (int at = 0; at < content.length; at += CHUNK / 4) {
      int count = Math.min(CHUNK / 4, content.length - at);
      type.read(readFully(channel, place.start + (long) type.bytes * at, type.bytes * count), content, at,
          count);
    }
    return content;
  }

  /**
   * Reads the free strings of a file of fp32 tensors, and checks that the tensors are all there.
   *
   * @throws CheckpointException as {@link #read} does
   */
  static Map<String, String> readMetadata(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return contents(file, channel, EnumSet.of(Type.F32), _ -> true).metadata;
    }
  }

  /**
   * Where one tensor's bytes are in the file.
   *
   * @param type absent for a tensor that is left out
   */
  private record Place(String name, Optional<Type> type, long[] shape, long start, long end) {}

  /** The content of the header; its tensors fill the file. */
  private record Contents(Map<String, String> metadata, List<Place> places) {}

  private static Contents contents(Path file, FileChannel channel, Set<Type> types, Predicate<String> wanted)
      throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw new CheckpointException(file,
          "truncated: " + size + " bytes, less than the 8 of the header's length");
    }
    long headerLength = readFully(channel, 0, 8).getLong();
    if (headerLength < 2 || headerLength > LARGEST_HEADER || headerLength > size - 8) {
      throw new CheckpointException(file, "truncated or damaged: its header should be " + headerLength
          + " bytes long, in a file of " + size + " bytes");
    }
    byte[] text = new byte[(int) headerLength];
    readFully(channel, 8, (int) headerLength).get(text);
    Map<String, String> metadata = Map.of();
    List<Place> places = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : header(file, text).properties()) {
      if (entry.getKey().equals(METADATA)) {
        metadata = metadata(file, entry.getValue());
      } else {
        places.add(place(file, entry.getKey(), entry.getValue(), 8 + headerLength,
            wanted.test(entry.getKey()) ? types : Set.of()));
      }
    }
    places.sort(Comparator.comparingLong(Place::start));
    long base = 8 + headerLength;
    long expected = base;
    for (Place place : places) {
      if (place.start != expected) {
        throw new CheckpointException(file,
            "damaged: tensor '" + place.name + "' begins at byte " + (place.start - base)
                + " of the data, expected " + (expected - base)
                + " (tensors may neither overlap nor leave holes)");
      }
      expected = place.end;
    }
    if (expected != size) {
      throw new CheckpointException(file,
          "truncated or damaged: " + size + " bytes, but its header describes " + expected);
    }
    return new Contents(metadata, places);
  }

  private static JsonNode header(Path file, byte[] text) throws CheckpointException {
    try {
      JsonNode header = JSON
          .readTree(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString());
      if (!header.isObject()) {
        throw new CheckpointException(file, "damaged: its header is no JSON object");
      }
      return header;
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file, "damaged: its header is not valid UTF-8");
    } catch (JacksonException e) {
      throw new CheckpointException(file,
          "damaged: its header is no JSON (" + ParserMessage.plain(e.getOriginalMessage()) + ")");
    }
  }

  private static Map<String, String> metadata(Path file, JsonNode strings) throws CheckpointException {
    if (!strings.isObject() || strings.valueStream().anyMatch(value -> !value.isString())) {
      throw new CheckpointException(file, "damaged: its metadata are no JSON object of strings");
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    strings.properties().forEach(entry -> metadata.put(entry.getKey(), entry.getValue().stringValue()));
    return metadata;
  }

  /** A number that is an integer and not below 0; -1 for anything else. */
  private static long count(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToLong() ? Math.max(-1, node.longValue()) : -1;
  }

  /** @param types that the tensor may have; none if it is left out */
  private static Place place(Path file, String name, JsonNode description, long base, Set<Type> types)
      throws CheckpointException {
    JsonNode offsets = description.path("data_offsets");
    JsonNode dimensions = description.path("shape");
    String typeName = description.path("dtype").asString("none");
    Optional<Type> type = types.stream().filter(one -> one.name().equals(typeName)).findFirst();
    if (type.isEmpty() && !types.isEmpty()) {
      throw new CheckpointException(file, "tensor '" + name + "' is of type " + typeName + "; only "
          + types.stream().map(Type::name).collect(Collectors.joining(", ")) + " is read here");
    }
    long start = count(offsets.path(0));
    long end = count(offsets.path(1));
    long[] shape = new long[dimensions.size()];
    long bytes = type.map(one -> one.bytes).orElse(1);
    long most = bytes * Integer.MAX_VALUE;
    boolean sound = start >= 0 && end >= start && dimensions.isArray() && offsets.isArray()
        && offsets.size() == 2;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dimensions.isArray() ? count(dimensions.get(i)) : -1;
      sound &= shape[i] >= 0;
      long high = Math.multiplyHigh(bytes, shape[i]);
      bytes *= shape[i];
      sound &= type.isEmpty() || high == 0 && bytes <= most;
    }
    if (!sound || type.isPresent() && end - start != bytes) {
      throw new CheckpointException(file, "damaged: tensor '" + name + "' of shape " + Arrays.toString(shape)
          + " cannot lie between bytes " + start + " and " + end);
    }
    return new Place(name, type, shape, base + start, base + end);
  }

  private static ByteBuffer readFully(FileChannel channel, long position, int count) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new IOException("the file ended while it was read");
      }
    }
    return buffer.flip();
  }
}
