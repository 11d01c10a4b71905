package org.knowcap.generators.pools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class TextListTest {

  @Test
  void readsEitherLineEnding() {
    assertEquals(List.of("Ann", "Joe Roe"), list("Ann\nJoe Roe\n").lines());
    assertEquals(List.of("Ann", "Joe Roe"), list("Ann\r\nJoe Roe").lines());
    assertEquals(List.of("Ann", "Zoë"), list("\uFEFFAnn\r\nZoë\r\n").lines());
  }

  @Test
  void faultsNameFileAndLine() {
    assertFault("x.txt, line 2 is empty", "a\n\nb\n", list -> list);
    assertFault("x.txt, line 3 repeats \"a\"", "a\nb\na\n", list -> list);
    assertFault("x.txt, line 1 must have single spaces", "a  b\n", list -> list);
    assertFault("x.txt, line 1 must have single spaces", "a \n", list -> list);
    assertFault("x.txt, line 1 is missing: the list is empty", "", list -> list);
    assertFault("x.txt, line 3 is empty", "a\r\nb\r\n\r\n", list -> list);
    assertFault("x.txt, line 2 must be \"Name; City, ST\", found \"Acme\"", "A; B, NY\nAcme\n",
        Pools::employers);
    assertFault("x.txt, line 2 repeats an employer", "A; B, NY\nA; C, NY\n", Pools::employers);
    assertFault("x.txt, line 1 must begin with {name}", "He lives in {value}.\n", Templates::parse);
    assertFault("x.txt, line 1 must begin with {name}", "{name} lives.\n", Templates::parse);
    assertFault("x.txt, line 1 must begin with {name}", "{name} lives in\"{value}\".\n", Templates::parse);
    assertFault("x.txt, line 1 must begin with {name}", "{name} lives in {value}, {value}.\n",
        Templates::parse);
    for (int broken : new int[]{0xff, 0xc3}) {
      IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
          () -> TextList.parse("x.txt", new byte[]{'a', '\n', 'b', (byte) broken}));
      assertEquals("x.txt, line 2 is not valid UTF-8", fault.getMessage());
    }
  }

  private static void assertFault(String message, String text, Function<TextList, ?> reader) {
    IllegalArgumentException fault = assertThrows(IllegalArgumentException.class,
        () -> reader.apply(list(text)));
    assertTrue(fault.getMessage().startsWith(message), fault.getMessage());
  }

  private static TextList list(String text) {
    return TextList.parse("x.txt", text.getBytes(StandardCharsets.UTF_8));
  }
}
