package org.knowcap.generators.questions;

import java.util.Map;

/**
 * Questions beside those about single values; only of bioS.
 *
 * @param twoHops whether no biography tells the employer's city, texts of their own tell in which city each employer is, and people are
 *        asked for the city in which they work
 * @param reversed whether all values of a person are given, and the name is asked for
 */
public record MoreQuestions(boolean twoHops, boolean reversed) {
  public static final MoreQuestions NONE = new MoreQuestions(false, false);

  /** Adds what is asked to settings; nothing for a corpus without such questions. */
  public void describe(Map<String, Object> parameters) {
    if (twoHops) {
      parameters.put("two_hops", true);
    }
    if (reversed) {
      parameters.put("reversed", true);
    }
  }

  /** In a corpus's name, such as ", two hops"; empty if nothing more is asked. */
  String words() {
    return (twoHops ? ", two hops" : "") + (reversed ? ", reversed" : "");
  }
}
