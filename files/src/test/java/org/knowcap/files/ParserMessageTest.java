package org.knowcap.files;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParserMessageTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
          "Document nesting depth (501) exceeds the maximum allowed (500, from `StreamReadConstraints.getMaxNestingDepth()`)"
              + " | Document nesting depth (501) exceeds the maximum allowed (500)",
          "Cannot deserialize value of type `java.lang.Long` from String \"a.b\": not a number"
              + " | Cannot deserialize value of type `Long` from String \"a.b\": not a number",
          "Unexpected character ('x' (code 120)) | Unexpected character ('x' (code 120))"})
  void saysNothingOfTheParser(String message, String expected) {
    assertEquals(expected, ParserMessage.plain(message));
  }

  @Test
  void isOneLine() {
    assertEquals("while scanning, found a tab",
        ParserMessage.plain("while scanning\nin reader, line 1:\n    a: [\n       ^\nfound a tab"));
    assertEquals("", ParserMessage.plain(""));
  }
}
