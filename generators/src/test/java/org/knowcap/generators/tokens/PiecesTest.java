package org.knowcap.generators.tokens;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PiecesTest {

  @Test
  void piecesAreWrittenOneBehindTheOther() {
    Pieces.Builder builder = new Pieces.Builder();
    Pieces.Range names = builder.add(List.of(" Mary", " Zoltán O'Brien"));
    Pieces.Range verbs = builder.add(List.of(" was born", "'s birthday is"));
    Pieces pieces = builder.build(List.of());
    int[] tokens = new int[40];
    int middle = pieces.write(names.first() + 1, tokens, 3);
    int end = pieces.write(verbs.first() + 1, tokens, middle);
    assertEquals(" Zoltán O'Brien's birthday is", pieces.vocabulary().decode(tokens, 3, end));
    assertEquals("'s birthday is", pieces.vocabulary().decode(tokens, middle, end));
    assertEquals(pieces.maxLength(names), middle - 3);
    assertEquals((1 + middle - 3) / 2.0, pieces.meanLength(names));
  }

  /** Two full stops are one token of GPT-2's, and "online" is not " on" and "line". */
  @Test
  void tokensAcrossASeamAreGpt2s() {
    Pieces.Builder builder = new Pieces.Builder();
    List<String> lefts = List.of(" works at Acme Inc.", " is on", " is at Acme");
    List<String> rights = List.of(".", ". And more.", " every day.", "line", "'s");
    Pieces.Seams seams = builder.seams(builder.add(lefts), builder.add(rights));
    Pieces pieces = builder.build(List.of());
    double excess = 0;
    for (int left = 0; left < lefts.size(); left++) {
      for (int right = 0; right < rights.size(); right++) {
        int[] tokens = new int[40];
        int end = pieces.write(seams, left, right, tokens, 2);
        String whole = lefts.get(left) + rights.get(right);
        int[] expected = Arrays.stream(Gpt2.encode(whole)).map(pieces.vocabulary()::token).toArray();
        assertArrayEquals(expected, Arrays.copyOfRange(tokens, 2, end), whole);
        // The left text ends in the token before the end of its tokens, and not in the one before that.
        int all = 2 + pieces.leftTokens(seams, left, right);
        assertTrue(pieces.vocabulary().decode(tokens, 2, all).startsWith(lefts.get(left)), whole);
        assertTrue(pieces.vocabulary().decode(tokens, 2, all - 1).length() < lefts.get(left).length(), whole);
        excess += expected.length - Gpt2.encode(lefts.get(left)).length
            - Gpt2.encode(rights.get(right)).length;
      }
    }
    assertEquals(excess / 15, pieces.meanExcess(seams), 1e-12);
  }

  /** A piece that is nowhere written by itself gives the vocabulary nothing. */
  @Test
  void tokensThatOnlySeamsReplaceAreNotInTheVocabulary() {
    Pieces.Builder builder = new Pieces.Builder();
    builder.seams(builder.add(List.of(" U.S.", " Inc.")), builder.add(List.of(".", ".)")));
    int[] expected = IntStream.of(Gpt2.encode(" U.S.. U.S..) Inc.. Inc..)")).sorted().distinct().toArray();
    assertArrayEquals(IntStream.concat(IntStream.of(expected), IntStream.of(Gpt2.EOS)).toArray(),
        builder.build(List.of()).vocabulary().gpt2Ids());
  }

  @Test
  void theVocabularyIsWhatOccursAndTheEndOfTextComesLast() {
    Vocabulary vocabulary = new Vocabulary(new int[]{700, 5, 700, 9}, List.of());
    assertArrayEquals(new int[]{5, 9, 700, Gpt2.EOS}, vocabulary.gpt2Ids());
    assertEquals(4, vocabulary.size());
    assertEquals(3, vocabulary.eos());
    assertEquals(2, vocabulary.token(700));
    assertEquals("<|endoftext|>", vocabulary.decode(new int[]{3}, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> vocabulary.token(6));
  }
}
