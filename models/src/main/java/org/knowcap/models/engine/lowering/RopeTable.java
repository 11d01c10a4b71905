package org.knowcap.models.engine.lowering;

import java.util.stream.Stream;
import org.knowcap.models.program.Rope;

/**
 * The angles of RoPE: token t of a window is at position offset + scale * t. Rotations that differ only in what they rotate
 * share a table.
 *
 * @param length tokens of a window, T
 * @param rotated components of a head that are rotated
 */
public record RopeTable(int length, int rotated, double base, double offset, double scale) {
  public static RopeTable ofQueries(Rope rope) {
    return of(rope, rope.positions().queryOffset());
  }

  public static RopeTable ofKeys(Rope rope) {
    return of(rope, 0);
  }

  /** The tables that an operation needs. */
  static Stream<RopeTable> of(Rope rope) {
    return Stream.of(ofQueries(rope), ofKeys(rope)).distinct();
  }

  private static RopeTable of(Rope rope, double offset) {
    return new RopeTable(rope.heads().length(), rope.rotated(), rope.base(), offset,
        rope.positions().scale());
  }

  /** The angle of a token's i-th pair of components, in radians. */
  public double angle(int token, int i) {
    return (offset + scale * token) * Math.pow(base, -2.0 * i / rotated);
  }

  /** Pairs of components of a head, for each of which a token has a cosine and a sine. */
  public int pairs() {
    return rotated / 2;
  }

  /** Bytes of all cosines and sines in fp32. */
  public long bytes() {
    return 4L * length * 2 * pairs();
  }
}
