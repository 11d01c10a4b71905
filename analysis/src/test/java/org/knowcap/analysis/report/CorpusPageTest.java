package org.knowcap.analysis.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.analysis.Corpora;
import org.knowcap.analysis.chart.CorpusCharts;
import org.knowcap.analysis.chart.CorpusCharts.Drawing;
import org.knowcap.analysis.corpus.CorpusDescription;
import org.knowcap.analysis.corpus.CorpusDescription.Reach;
import org.knowcap.analysis.corpus.CorpusDescription.VocabularyUse;

class CorpusPageTest {
  @TempDir
  Path folder;

  @Test
  void everySpanIsMarkedOnceAndNothingIsLost() throws IOException {
    new CorpusPage(Corpora.mixture()).write(folder);
    String html = Files.readString(folder.resolve("description.html"));
    Matcher text = Pattern.compile("<p class=\"text\">(.*?)</p>").matcher(html);
    assertTrue(text.find());
    assertEquals("Ann &lt;b&gt; Lee has #1 #2 &amp; #3", text.group(1).replaceAll("</?mark[^>]*>", ""));
    assertEquals(List.of("name:name", "first_chunk:id_1", "value:id_1", "implied:id_2"),
        Pattern.compile("<mark class=\"(\\w+)\" style=\"[^\"]*\" title=\"(\\w+)\">")
            .matcher(text.group(1))
            .results()
            .map(mark -> mark.group(1) + ":" + mark.group(2))
            .toList());
    assertFalse(html.contains("<useful>") || html.contains("<b>"), "escaped");
    assertFalse(Pattern.compile("(src|href)=\"(https?:)?//|@import|url\\((?!#)").matcher(html).find(),
        "self-contained");
  }

  @Test
  void chartsAreValidAndCanShareAPage() throws Exception {
    CorpusDescription corpus = Corpora.mixture();
    CorpusCharts.of(corpus).write(folder);
    Set<String> clips = new HashSet<>();
    for (Drawing drawing : CorpusCharts.of(corpus).drawings()) {
      assertEquals(drawing.svg(), Files.readString(folder.resolve(drawing.name() + ".svg")),
          "the same corpus makes the same chart");
      assertEquals("svg",
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new ByteArrayInputStream(drawing.svg().getBytes(StandardCharsets.UTF_8)))
              .getDocumentElement()
              .getTagName());
      Pattern.compile("id=\"([^\"]+)\"")
          .matcher(drawing.svg())
          .results()
          .forEach(id -> assertTrue(clips.add(id.group(1)), id.group(1) + " is there twice"));
      assertTrue(ImageIO.read(folder.resolve(drawing.name() + ".png").toFile()).getWidth() > 1000);
    }
  }

  /** A single text, of one token of one id. */
  @Test
  void theSmallestCorpusCanBeDrawn() throws IOException {
    new CorpusPage(new CorpusDescription("least", 1, 1, 1, List.of(Corpora.source("least", 1)),
        new VocabularyUse(1, 1, List.of(1L), List.of(new Reach(1, 1))))).write(folder);
    assertTrue(Files.size(folder.resolve("reach.png")) > 0);
  }
}
