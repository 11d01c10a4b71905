package org.knowcap.generators.bior;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.generators.bior.RewrittenTexts.Rejection;
import org.knowcap.generators.bios.BioS;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
import org.knowcap.generators.pools.PoolSizes;

/** RewrittenLine texts from their file, and the stream made of them. */
class BioRTest {
  private static final BioS PEOPLE = Corpora.bioS(20, 5, PoolSizes.PAPER);

  @TempDir
  private Path directory;

  /** What bioS tells in some rounds, as lines; none of these texts has a fault. */
  private static List<RewrittenLine> texts(int rounds) {
    FactFinder mentions = new FactFinder(PEOPLE);
    return LongStream.range(0, rounds * PEOPLE.people())
        .mapToObj(item -> new RewrittenLine(PEOPLE.person(item), item, "none", Corpora.text(PEOPLE, item)))
        .filter(line -> mentions.read(line.person(), line.text()) instanceof FactFinder.Usable)
        .toList();
  }

  private RewrittenTexts read(List<String> lines, BioS people) throws IOException {
    return RewrittenTexts.read(Files.write(directory.resolve("texts.jsonl"), lines), people);
  }

  private static List<String> lines(List<RewrittenLine> texts) {
    return texts.stream().map(RewrittenLine::line).toList();
  }

  @Test
  void everyTextIsTrainedOnInTurnButTheOneThatIsMeasured() throws IOException {
    List<RewrittenLine> texts = texts(6);
    BioR corpus = new BioR(read(lines(texts), PEOPLE), 1, 1);
    Map<Long, List<String>> told = new HashMap<>();
    for (long item = 0; item < 12 * corpus.people(); item++) {
      told.computeIfAbsent(corpus.person(item), _ -> new ArrayList<>()).add(Corpora.text(corpus, item));
    }
    for (long person = 0; person < corpus.people(); person++) {
      long id = person;
      List<String> all = texts.stream().filter(text -> text.person() == id).map(RewrittenLine::text).toList();
      int[] measuredTokens = corpus.measuringItem(person, 3).tokens();
      String measured = corpus.vocabulary().decode(measuredTokens, 1, measuredTokens.length);
      List<String> others = new ArrayList<>(all);
      assertTrue(others.remove(measured), measured);
      int count = others.size();
      List<String> mine = told.get(person);
      assertEquals(others.stream().sorted().toList(), mine.subList(0, count).stream().sorted().toList());
      assertEquals(mine.subList(0, 12 - count), mine.subList(count, 12));
      assertArrayEquals(measuredTokens, corpus.measuringItem(person, 4).tokens());
    }
  }

  @Test
  void anOrderlyTextIsMeasuredIfThereIsOne() throws IOException {
    List<RewrittenLine> texts = texts(6);
    FactFinder mentions = new FactFinder(PEOPLE);
    BioR corpus = new BioR(read(lines(texts), PEOPLE), 1, 1);
    for (long person = 0; person < corpus.people(); person++) {
      long id = person;
      boolean any = texts.stream()
          .filter(text -> text.person() == id)
          .anyMatch(
              text -> mentions.read(id, text.text()) instanceof FactFinder.Usable usable && usable.orderly());
      int[] measuredTokens = corpus.measuringItem(person, 0).tokens();
      FactFinder.Usable measured = (FactFinder.Usable) mentions.read(person,
          corpus.vocabulary().decode(measuredTokens, 1, measuredTokens.length));
      assertEquals(any, measured.orderly());
    }
  }

  @Test
  void theOnlyTextOfAPersonIsTrainedOnAndMeasured() throws IOException {
    BioR corpus = new BioR(read(lines(onePerPerson()), PEOPLE), 1, 1);
    for (long item = 0; item < 3 * corpus.people(); item++) {
      assertArrayEquals(Corpora.item(corpus, item), corpus.measuringItem(corpus.person(item), item).tokens());
    }
  }

  private static List<RewrittenLine> onePerPerson() {
    Map<Long, RewrittenLine> first = new HashMap<>();
    texts(6).forEach(text -> first.putIfAbsent(text.person(), text));
    return List.copyOf(first.values());
  }

  @Test
  void theSeedOrdersAndTheFileDecidesWhatThereIs() throws IOException {
    RewrittenTexts texts = read(lines(texts(6)), PEOPLE);
    BioR one = new BioR(texts, 1, 1);
    BioR two = new BioR(texts, 1, 2);
    assertNotEquals(one.digest(), two.digest());
    assertNotEquals(LongStream.range(0, 20).map(one::person).boxed().toList(),
        LongStream.range(0, 20).map(two::person).boxed().toList());
    assertEquals(PEOPLE.bits(), one.bits());
    List<String> lines = new ArrayList<>(lines(texts(6)));
    assertEquals(one.digest(), new BioR(read(lines, PEOPLE), 1, 1).digest());
    lines.removeLast();
    assertNotEquals(one.digest(), new BioR(read(lines, PEOPLE), 1, 1).digest());
  }

  /** Every token that occurs has a row, and no other. */
  @Test
  void theVocabularyIsWhatOccurs() throws IOException {
    RewrittenTexts texts = read(lines(texts(3)), PEOPLE);
    BioR corpus = new BioR(texts, 1, 1);
    int[] seen = LongStream.range(0, 3 * corpus.people())
        .mapToObj(item -> Corpora.item(corpus, item))
        .flatMapToInt(IntStream::of)
        .distinct()
        .toArray();
    int[] measuredTokens = LongStream.range(0, corpus.people())
        .mapToObj(person -> corpus.measuringItem(person, 0).tokens())
        .flatMapToInt(IntStream::of)
        .distinct()
        .toArray();
    assertEquals(corpus.vocabulary().size(),
        IntStream.concat(IntStream.of(seen), IntStream.of(measuredTokens)).distinct().count());
  }

  @Test
  void whatCannotBeUsedIsLeftOutAndSaid() throws IOException {
    List<RewrittenLine> good = texts(3);
    List<String> lines = new ArrayList<>(lines(good));
    int clean = lines.size();
    lines.add(1, "");
    lines.add(2, "{\"person\":3,");
    lines.add(3, "[1, 2]");
    lines.add(4, "{\"person\":3.5,\"text\":\"a\"}");
    lines.add(5, "{\"person\":-1,\"text\":\"a\"}");
    lines.add(6, "{\"person\":3,\"text\":7} ");
    lines.add(new RewrittenLine(20, 0, "", good.getFirst().text()).line());
    lines.add(new RewrittenLine(good.getLast().person(), 0, "", good.getFirst().text()).line());
    lines.add(lines.getFirst());
    lines.add(
        new RewrittenLine(good.getFirst().person(), 99, "", "  " + good.getFirst().text() + "\n").line());
    Path file = Files.write(directory.resolve("texts.jsonl"), lines);
    // What a kill leaves behind, in the middle of a character.
    byte[] half = "{\"person\":4,\"text\":\" Ren\u00e9".getBytes(StandardCharsets.UTF_8);
    Files.write(file, Arrays.copyOf(half, half.length - 1), StandardOpenOption.APPEND);
    RewrittenTexts texts = RewrittenTexts.read(file, PEOPLE);
    assertEquals(clean, texts.size());
    long last = clean + 6L;
    assertEquals(
        List.of(
            new Rejection("is not an object with a whole \"person\" and a \"text\"", 7,
                List.of(2L, 3L, 4L, 5L, 6L)),
            new Rejection("is about somebody else than the first 20 people", 1, List.of(last + 1)),
            new Rejection("lacks the name", 1, List.of(last + 2)),
            new Rejection("repeats an earlier text about the same person", 2, List.of(last + 3, last + 4))),
        texts.rejections());
    assertEquals("""
        %d texts about 20 people; lines left out: is not an object with a whole "person" and a "text": 7 \
        (lines 2, 3, 4, 5, 6, ...); is about somebody else than the first 20 people: 1 (line %d); \
        lacks the name: 1 (line %d); repeats an earlier text about the same person: 2 (lines %d, %d)\
        """.formatted(clean, last + 1, last + 2, last + 3, last + 4), texts.toString());
    assertEquals(read(lines(good), PEOPLE).digest(), texts.digest());
  }

  @Test
  void somebodyWithoutATextIsAnError() throws IOException {
    List<String> lines = texts(3).stream()
        .filter(text -> text.person() != 7 && text.person() != 11)
        .map(RewrittenLine::line)
        .toList();
    String message = assertThrows(IllegalArgumentException.class, () -> read(lines, PEOPLE)).getMessage();
    assertTrue(
        message.endsWith(
            "holds no text that can be used about 2 of 20 people (number 7, 11); lines left out: none"),
        message);
    String nothing = assertThrows(IllegalArgumentException.class, () -> read(List.of(), PEOPLE)).getMessage();
    assertTrue(nothing.contains("about 20 of 20 people (number 0, 1, 2, 3, 4, ...)"), nothing);
  }

  /** Of another seed or other lists, nearly nobody's name is right. */
  @Test
  void textsAboutOtherPeopleAreNoneAboutThese() throws IOException {
    List<String> lines = lines(texts(3));
    for (BioS others : List.of(Corpora.bioS(20, 6, PoolSizes.PAPER), Corpora.bioS(20, 5, Corpora.SMALL))) {
      String message = assertThrows(IllegalArgumentException.class, () -> read(lines, others)).getMessage();
      assertTrue(message.contains("about 20 of 20 people") && message.contains("lacks the name"), message);
    }
  }

  /** It would fill the memory before anything else could be said of it. */
  @Test
  void aLineWithoutAnEndIsRefused() throws IOException {
    Path file = directory.resolve("endless.jsonl");
    Files.writeString(file, "{}\n" + "x".repeat(17 << 20));
    UncheckedIOException refused = assertThrows(UncheckedIOException.class,
        () -> RewrittenTexts.read(file, PEOPLE));
    assertTrue(refused.getCause().getMessage().startsWith(file + ", line 2 is longer than 16 MB"),
        refused.getCause().getMessage());
  }

  /** More texts than one block of tokens holds, in the same order and with the same words. */
  @Test
  void aLongFileIsReadWhole() throws IOException {
    BioS people = Corpora.bioS(400, 5, PoolSizes.PAPER);
    BioR corpus = Corpora.bioR(people, 80);
    long tokens = LongStream.range(0, 79 * people.people())
        .map(item -> Corpora.item(corpus, item).length)
        .sum();
    assertTrue(tokens / 2 > 1 << 20, "half of them are different: more than one block");
    for (long item = 0; item < 79 * people.people(); item += 37) {
      assertEquals(Corpora.truth(corpus, corpus.person(item)).get(Attribute.NAME),
          Corpora.read(corpus, corpus.annotated(item)).get(Attribute.NAME));
    }
  }
}
