package org.knowcap.experiments.query;

import java.util.Set;

/**
 * A statement that only reads.
 *
 * @param sql one SELECT, without a semicolon behind it
 * @param tables names of the tables that it reads, in lower case; some of them may not exist
 */
public record Select(String sql, Set<String> tables) {
  public Select {
    tables = Set.copyOf(tables);
  }
}
