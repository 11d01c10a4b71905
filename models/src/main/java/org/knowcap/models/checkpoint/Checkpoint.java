package org.knowcap.models.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.knowcap.files.Sha256;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.StateBuffer;

/**
 * Everything that a run needs to continue, in one safetensors file: parameters under their own names, the
 * optimiser's state under {@code state/name}, and the head in the metadata.
 *
 * @param state flat buffers by name, as {@link Session#state} gives them, each [P]
 */
public record Checkpoint(Head head, Map<String, float[]> state) {
  private static final String CHECKSUM = "sha256";
  private static final String REMEMBERED = "remembered";
  private static final String REMEMBERED_CHECKSUM = "remembered_sha256";
  private static final int CHUNK_BYTES = 1 << 20;
  private static final String FORMAT = "knowcap-checkpoint-2";

  /**
   * The metadata of a checkpoint.
   *
   * @param fingerprint of the run, see {@link org.knowcap.models.training.TrainingSpec}
   * @param step finished steps of the run
   * @param updates number of updates that the optimiser's state has seen; more than the steps if the state was taken over
   *        from another run
   * @param position of the batches, see {@link org.knowcap.models.training.Batch#after}
   * @param identity of the numbers
   * @param remembered a text that the trainer of the run wants back at the next start; empty if there is none
   */
  public record Head(String fingerprint, long step, long updates, long[] position, ParameterIdentity identity,
      String remembered) {}

  /** Writes the file whole or not at all, over any earlier one. */
  public void write(Path file, Program program) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", FORMAT);
    metadata.put("fingerprint", head.fingerprint);
    metadata.put("step", Long.toString(head.step));
    metadata.put("updates", Long.toString(head.updates));
    metadata.put("position",
        LongStream.of(head.position).mapToObj(Long::toString).collect(Collectors.joining(" ")));
    metadata.put("model", head.identity.model());
    metadata.put("vocabulary", head.identity.vocabulary());
    metadata.put("optimiser", head.identity.optimiser());
    metadata.put(REMEMBERED, head.remembered);
    metadata.put(REMEMBERED_CHECKSUM, Sha256.of(head.remembered));
    Map<String, Safetensors.Array> tensors = new LinkedHashMap<>();
    state.forEach((name, flat) -> {
      int offset = 0;
      for (Parameter parameter : held(name, program)) {
        Safetensors.Array array = new Safetensors.Array(shape(name, parameter), flat, offset);
        tensors.put(tensorName(name, parameter), array);
        offset += array.size();
      }
    });
    metadata.put(CHECKSUM, checksum(metadata, tensors));
    new Safetensors(metadata, tensors).write(file);
  }

  /**
   * SHA-256 of every tensor's name, shape and little-endian content, in file order, and of all strings except the
   * checksum itself and {@code remembered}. The latter may hold times, and two runs that learnt equal numbers must
   * have equal checksums.
   */
  private static String checksum(Map<String, String> metadata, Map<String, Safetensors.Array> tensors) {
    MessageDigest digest = Sha256.digest();
    new TreeMap<>(metadata).forEach((key, value) -> {
      if (!List.of(CHECKSUM, REMEMBERED, REMEMBERED_CHECKSUM).contains(key)) {
        digest.update(
            (key.length() + " " + key + value.length() + " " + value).getBytes(StandardCharsets.UTF_8));
      }
    });
    ByteBuffer bytes = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    tensors.forEach((name, array) -> {
      digest.update((name + Arrays.toString(array.shape())).getBytes(StandardCharsets.UTF_8));
      int last = array.offset() + array.size();
      for (int at = array.offset(); at < last; at += CHUNK_BYTES / 4) {
        int count = Math.min(CHUNK_BYTES / 4, last - at);
        bytes.clear().asFloatBuffer().put(array.flat(), at, count);
        digest.update(bytes.limit(4 * count));
      }
    });
    return Sha256.hex(digest);
  }

  /**
   * Reads a checkpoint of a program.
   *
   * @throws CheckpointException where it is damaged, or of another program
   */
  public static Checkpoint read(Path file, Program program) throws IOException {
    Safetensors content = Safetensors.read(file);
    Head head = head(file, content.metadata());
    if (!checksum(content.metadata(), content.tensors()).equals(content.metadata().get(CHECKSUM))
        || !Sha256.of(head.remembered).equals(content.metadata().get(REMEMBERED_CHECKSUM))) {
      throw new CheckpointException(file,
          "damaged: its content has changed since it was written (its checksum is another)");
    }
    Map<String, float[]> state = new LinkedHashMap<>();
    for (String tensorName : content.tensors().keySet()) {
      int slash = tensorName.indexOf('/');
      String name = slash < 0 ? Session.PARAMETERS : tensorName.substring(0, slash);
      if (!state.containsKey(name)) {
        if (slash >= 0 && StateBuffer.named(name).isEmpty()) {
          throw new CheckpointException(file, "of another version: no optimiser here has a '" + name + "'");
        }
        state.put(name, new float[Math
            .toIntExact(held(name, program).stream().mapToLong(parameter -> size(name, parameter)).sum())]);
      }
    }
    for (Map.Entry<String, float[]> entry : state.entrySet()) {
      int offset = 0;
      for (Parameter parameter : held(entry.getKey(), program)) {
        String tensorName = tensorName(entry.getKey(), parameter);
        long[] shape = shape(entry.getKey(), parameter);
        Safetensors.Array array = content.tensors().get(tensorName);
        if (array == null || !Arrays.equals(array.shape(), shape)) {
          throw new CheckpointException(file,
              "of another model: tensor '" + tensorName + "' should have shape " + Arrays.toString(shape)
                  + ", found " + (array == null ? "none" : Arrays.toString(array.shape())));
        }
        System.arraycopy(array.flat(), array.offset(), entry.getValue(), offset, array.size());
        offset += array.size();
      }
    }
    int expected = state.keySet().stream().mapToInt(name -> held(name, program).size()).sum();
    if (content.tensors().size() != expected) {
      throw new CheckpointException(file, "of another model: it holds " + content.tensors().size()
          + " tensors, this model has " + expected + " in " + state.keySet());
    }
    return new Checkpoint(head, state);
  }

  /** The file of the checkpoint before the last one, which is kept while a run trains. */
  public static Path previous(Path file) {
    return file.resolveSibling("previous-" + file.getFileName());
  }

  /**
   * Reads the head alone, whatever the program.
   *
   * @throws CheckpointException where the file is damaged or truncated
   */
  public static Head readHead(Path file) throws IOException {
    return head(file, Safetensors.readMetadata(file));
  }

  /**
   * The checksum that the head of a checkpoint states; only {@link #read} checks that it is true.
   *
   * @throws CheckpointException where the file is damaged or truncated
   */
  public static String checksum(Path file) throws IOException {
    Map<String, String> metadata = Safetensors.readMetadata(file);
    head(file, metadata);
    return metadata.getOrDefault(CHECKSUM, "");
  }

  private static Head head(Path file, Map<String, String> metadata) throws CheckpointException {
    if (!FORMAT.equals(metadata.get("format"))) {
      throw new CheckpointException(file,
          "not a checkpoint of this version: format " + metadata.getOrDefault("format", "none")
              + ", expected " + FORMAT + "; train the run anew ('knowcap run' with --again)");
    }
    String step = metadata.getOrDefault("step", "");
    String updates = metadata.getOrDefault("updates", step);
    String position = metadata.getOrDefault("position", "");
    try {
      return new Head(metadata.getOrDefault("fingerprint", ""), Long.parseLong(step), Long.parseLong(updates),
          Pattern.compile(" ")
              .splitAsStream(position)
              .filter(s -> !s.isEmpty())
              .mapToLong(Long::parseLong)
              .toArray(),
          new ParameterIdentity(metadata.getOrDefault("model", ""), metadata.getOrDefault("vocabulary", ""),
              metadata.getOrDefault("optimiser", "")),
          metadata.getOrDefault(REMEMBERED, ""));
    } catch (NumberFormatException e) {
      throw new CheckpointException(file, "damaged: step '" + step + "', updates '" + updates
          + "' or position '" + position + "' is no number");
    }
  }

  /** The parameters that a buffer has numbers for: optimisers keep none for frozen ones. */
  private static List<Parameter> held(String name, Program program) {
    return name.equals(Session.PARAMETERS) ? program.parameters() : program.trained();
  }

  /** The shape of a buffer's numbers for one parameter. */
  private static long[] shape(String name, Parameter parameter) {
    long size = size(name, parameter);
    return size < parameter.tensor().size() || parameter.tensor().rows() == 1
        ? new long[]{size}
        : new long[]{parameter.tensor().rows(), parameter.tensor().columns()};
  }

  private static long size(String name, Parameter parameter) {
    return StateBuffer.named(name)
        .map(buffer -> buffer.size(parameter.tensor()))
        .orElse(parameter.tensor().size());
  }

  private static String tensorName(String state, Parameter parameter) {
    return state.equals(Session.PARAMETERS)
        ? parameter.tensor().name()
        : state + "/" + parameter.tensor().name();
  }
}
