package org.knowcap.experiments.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.experiments.run.RunFolder;
import org.knowcap.experiments.run.SampleStudy;
import org.knowcap.experiments.run.StudyFolder;
import org.knowcap.experiments.run.WatchedFiles;

/** The page in headless Chromium: what it shows, that it follows the files by itself, on a telephone and in the dark. */
@Tag("process")
class WatchPageTest {
  /** Contrast of an element's text with the page, by WCAG 2. */
  private static final String CONTRAST = """
      (selector => {
        const shade = colour => {
          const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(c => c / 255)
            .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const text = shade(getComputedStyle(document.querySelector(selector)).color);
        const page = shade(getComputedStyle(document.body).backgroundColor);
        return (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05);
      })""";

  @TempDir
  private Path directory;

  @Test
  void theLivePage() throws Exception {
    Optional<Path> program = Browser.program();
    assumeTrue(program.isPresent(), "no Chromium on this machine: the live page is not tested in a browser");
    SampleStudy.write(directory, 1);
    StudyFolder study = StudyFolder.open(directory);
    RunFolder trained = study.runFolder(study.study().runs().get(3));
    WatchedFiles.trainAgain(trained, 3);
    RunFolder failed = study.runFolder(study.study().runs().get(5));
    WatchedFiles.trainAgain(failed, 1);
    failed.writeFailure("<b>out of memory</b>", false);
    WatchServer server = WatchServer.start(new WatchedStudy(directory), 0);
    try (Browser browser = new Browser(program.get())) {
      browser.resize(1280, 900);
      browser.open(server.address());
      browser.await("document.querySelectorAll('#chart path').length > 5");
      browser.await("document.querySelectorAll('#charts img').length > 0"
          + " && [...document.querySelectorAll('#charts img')].every(image => image.naturalWidth > 0)");
      assertEquals("sample", browser.value("document.getElementById('study').textContent").asString());
      assertEquals("98/100 sample", browser.value("document.title").asString());
      assertEquals(100, browser.value("document.querySelectorAll('#runs tr').length").asInt());
      assertEquals(0, browser.value("document.querySelectorAll('#runs b').length").asInt(),
          "texts are no HTML");
      browser.picture(picture("wide.png"));

      // It follows the files by itself.
      browser.await(row(trained) + ".includes('interrupted')");
      browser.value("window.before = true");
      WatchedFiles.report(trained, 4);
      browser.await(row(trained) + ".includes('running')");
      assertTrue(browser.value(row(trained)).asString().contains("\t2\t"),
          "the loss of the fourth report is 8 / 4");
      browser.await("document.getElementById('speed').textContent === '100k'");
      browser.await("document.getElementById('left').textContent !== '–'");
      assertTrue(browser.value("window.before").asBoolean(), "it was not loaded again");

      // Runs are chosen by state and by name.
      browser.value(
          "[...document.querySelectorAll('#states button')].find(each => each.textContent.includes('failed')).click()");
      browser.await("document.querySelectorAll('#runs tr').length === 1");
      browser.await("document.querySelectorAll('#chart path, #chart circle').length === 2");
      browser.value(
          "[...document.querySelectorAll('#states button')].find(each => each.textContent.includes('failed')).click()");
      browser.value("""
          (() => {
            const filter = document.getElementById('filter');
            filter.value = 'bioS-30_ gpt2-1';
            filter.dispatchEvent(new Event('input'));
          })()""");
      browser.await("document.querySelectorAll('#runs tr').length === 5");
      browser.await("document.querySelectorAll('#legend li').length === 5");
      browser.value("document.getElementById('log').click()");
      browser.await("document.querySelectorAll('#chart path').length === 5");
      for (String axis : List.of("step", "seconds", "share")) {
        browser.value("(() => { const axis = document.getElementById('axis'); axis.value = '" + axis
            + "'; axis.dispatchEvent(new Event('change')); })()");
        browser.await("document.querySelectorAll('#chart path').length === 5");
        assertEquals(0, browser.value(
            "[...document.querySelectorAll('#chart path')].filter(path => /NaN|Infinity/.test(path.getAttribute('d'))).length")
            .asInt(), axis);
      }
      browser.picture(picture("filtered.png"));

      for (String scheme : List.of("light", "dark")) {
        browser.prefer(scheme);
        for (String selector : List.of("body", ".note", "#runs td", "thead th", "#legend li",
            "#states button")) {
          double contrast = browser.value(CONTRAST + "('" + selector + "')").asDouble();
          assertTrue(contrast >= 4.5, scheme + ", " + selector + ": contrast " + contrast);
        }
      }
      assertTrue(
          browser.value("getComputedStyle(document.body).backgroundColor === 'rgb(23, 25, 28)'").asBoolean());
      browser.picture(picture("dark.png"));

      browser.resize(390, 844);
      browser.await("innerWidth === 390");
      browser.await("document.getElementById('chart').getAttribute('viewBox').split(' ')[2] <= 390");
      assertEquals(390, browser.value("document.documentElement.scrollWidth").asInt(),
          "nothing is wider than a telephone");
      assertEquals(0, browser.value(
          "[...document.querySelectorAll('#states button, #all, select, input[type=search]')].filter(each => each.offsetHeight > 0 && each.offsetHeight < 28).length")
          .asInt(), "buttons have room for a finger");
      browser.picture(picture("telephone-dark.png"));
      browser.prefer("light");
      browser.picture(picture("telephone.png"));
      assertEquals(List.of(), browser.complaints());

      server.close();
      browser.await("document.getElementById('answer').textContent.startsWith('No answer since')");
    } finally {
      server.close();
    }
  }

  private static String row(RunFolder folder) {
    return "([...document.querySelectorAll('#runs tr')].find(row => row.textContent.startsWith('"
        + folder.path().getFileName() + "'))?.innerText ?? '')";
  }

  /** Where people find what the test has seen. */
  private static Path picture(String name) {
    return Path.of("target", "watch", name);
  }
}
