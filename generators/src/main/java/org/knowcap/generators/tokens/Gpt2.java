package org.knowcap.generators.tokens;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.nio.charset.StandardCharsets;

/** GPT-2's byte-pair encoding: 50,257 ids; the last is the end-of-text token. */
public final class Gpt2 {
  /** The end-of-text token. */
  public static final int EOS = 50256;

  /** The text that stands for {@link #EOS}. */
  public static final String EOS_TEXT = "<|endoftext|>";

  private static final Encoding ENCODING = Encodings.newLazyEncodingRegistry()
      .getEncoding(EncodingType.R50K_BASE);

  private Gpt2() {}

  /** The ids of a text; {@link #EOS} is never among them. */
  public static int[] encode(String text) {
    return ENCODING.encodeOrdinary(text).toArray();
  }

  /** The UTF-8 bytes of one token; they may be only a part of a character. */
  public static byte[] bytes(int id) {
    if (id == EOS) {
      return EOS_TEXT.getBytes(StandardCharsets.UTF_8);
    }
    IntArrayList one = new IntArrayList(1);
    one.add(id);
    return ENCODING.decodeBytes(one);
  }
}
