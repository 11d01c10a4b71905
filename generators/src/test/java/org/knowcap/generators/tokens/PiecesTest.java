package org.knowcap.generators.tokens;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
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
  void mergesAcrossAJointAreFound() {
    Pieces.Builder builder = new Pieces.Builder();
    Pieces.Range companies = builder.add(List.of(" works at Acme Inc.", " is at Widget Inc.", " is at Acme"));
    Pieces.Range endings = builder.add(List.of(".", ". And more.", " every day."));
    assertEquals(1, builder.merges(companies, endings));
    assertEquals(0, builder.merges(companies, builder.add(List.of(" every day.", " Inc"))));
    assertEquals(1, builder.merges(builder.add(List.of(" on")), builder.add(List.of("line", "'s"))));
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
