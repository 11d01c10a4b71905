package org.knowcap.experiments.tensorboard;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Writes the content of an event file: records of TFRecord form (length, checksum of the length, data, checksum of the data; all
 * little-endian; checksums are CRC32C, masked), whose data are protocol buffers of the message {@code tensorflow.Event}
 * (tensorboard/compat/proto/event.proto and summary.proto; record_writer.py has the mask).
 */
final class EventWriter {
  private static final int MASK = 0xa282ead8;
  private static final String VERSION = "brain.Event:2";

  /** Wire types of protocol buffers, which the low three bits of a key hold. */
  private static final int VARINT = 0;
  private static final int EIGHT_BYTES = 1;
  private static final int BYTES = 2;
  private static final int FOUR_BYTES = 5;

  /** Fields of Event. */
  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int SESSION_LOG = 7;
  /** Of SessionLog, and its value START. */
  private static final int STATUS = 1;
  private static final int START = 1;
  /** Of Summary, and of Summary.Value. */
  private static final int VALUE = 1;
  private static final int TAG = 1;
  private static final int SIMPLE_VALUE = 2;

  private final ByteArrayOutputStream content = new ByteArrayOutputStream();

  /**
   * Begins a file: its version, then the start of a session, at which TensorBoard forgets all steps that earlier files of the
   * folder have.
   *
   * @param wallTime seconds since 1970
   */
  EventWriter(double wallTime) {
    record(new Message().fixed(WALL_TIME, wallTime).text(FILE_VERSION, VERSION));
    record(
        new Message().fixed(WALL_TIME, wallTime).message(SESSION_LOG, new Message().number(STATUS, START)));
  }

  /** Where the first record of a file has its wall time: behind length, checksum and key. */
  static double wallTime(byte[] file) {
    return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getDouble(Long.BYTES + Integer.BYTES + 1);
  }

  /** Length of the first record up to its wall time's end. */
  static final int WITH_WALL_TIME = Long.BYTES + Integer.BYTES + 1 + Double.BYTES;

  /** Adds the values of a step, by their tags. */
  void scalars(double wallTime, long step, Map<String, Double> values) {
    Message summary = new Message();
    values.forEach((tag, value) -> summary.message(VALUE,
        new Message().text(TAG, tag).fixed(SIMPLE_VALUE, value.floatValue())));
    record(new Message().fixed(WALL_TIME, wallTime).number(STEP, step).message(SUMMARY, summary));
  }

  private void record(Message message) {
    byte[] data = message.content.toByteArray();
    byte[] length = little(Long.BYTES).putLong(data.length).array();
    content.writeBytes(length);
    content.writeBytes(little(Integer.BYTES).putInt(checksum(length)).array());
    content.writeBytes(data);
    content.writeBytes(little(Integer.BYTES).putInt(checksum(data)).array());
  }

  private static int checksum(byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The file so far. */
  byte[] content() {
    return content.toByteArray();
  }

  /** A protocol buffer. */
  private static final class Message {
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();

    private void key(int field, int type) {
      content.write(field << 3 | type);
    }

    private void varint(long value) {
      long rest = value;
      while (rest >>> 7 != 0) {
        content.write((int) (rest & 0x7f | 0x80));
        rest >>>= 7;
      }
      content.write((int) rest);
    }

    Message number(int field, long value) {
      key(field, VARINT);
      varint(value);
      return this;
    }

    Message fixed(int field, double value) {
      key(field, EIGHT_BYTES);
      content.writeBytes(little(Double.BYTES).putDouble(value).array());
      return this;
    }

    Message fixed(int field, float value) {
      key(field, FOUR_BYTES);
      content.writeBytes(little(Float.BYTES).putFloat(value).array());
      return this;
    }

    private Message bytes(int field, byte[] value) {
      key(field, BYTES);
      varint(value.length);
      content.writeBytes(value);
      return this;
    }

    Message text(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message value) {
      return bytes(field, value.content.toByteArray());
    }
  }
}
