package org.knowcap.generators.export;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;

/**
 * A file of an export. Its content depends only on the corpus and the settings, so that it can be
 * written or compared at any time, on any thread.
 *
 * @param name  path below the export's directory, with slashes
 * @param about the manifest's entries that are known beforehand
 * @param unit  unit that the content is counted in
 * @param content what goes into the file
 */
record PlannedFile(String name, Map<String, Object> about, String unit, Content content) {

  /** The content of a file. */
  interface Content {
    /** Writes the content; returns its number of units. */
    long writeTo(OutputStream out) throws IOException;
  }
}
