package org.knowcap.analysis.report;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where results come from: code, library, machine, corpus, in the order given.
 *
 * @param entries what, such as "JVM", and its value
 */
public record Provenance(Map<String, String> entries) {

  public Provenance {
    entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
  }
}
