package org.knowcap.generators.export;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;

/**
 * A file of an export. What is in it depends on nothing but the corpus and the settings, so that it can be
 * written or compared at any time, on any thread.
 *
 * @param name  below the export's directory, with slashes
 * @param about what the manifest says of it beforehand
 * @param unit  what its content is counted in
 */
record PlannedFile(String name, Map<String, Object> about, String unit, Content content) {

  /** What goes into a file. */
  interface Content {
    /** Writes all of it; returns how many units that was. */
    long writeTo(OutputStream out) throws IOException;
  }
}
