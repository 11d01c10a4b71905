package org.knowcap.generators.pools;

import java.util.ArrayList;
import java.util.List;

/** The sentences that can state each attribute; one is drawn, uniformly, each time a biography is written. */
public record Templates(List<Template> birthDate, List<Template> birthCity, List<Template> university,
    List<Template> major, List<Template> employer, List<Template> employerCity) {

  /**
   * The toolkit's own templates.
   *
   * @throws IllegalArgumentException naming file and line if a list is faulty
   */
  public static Templates shipped() {
    return new Templates(list("birth_date"), list("birth_city"), list("university"), list("major"),
        list("employer"), list("employer_city"));
  }

  private static List<Template> list(String attribute) {
    return parse(TextList.shipped("template_" + attribute + ".txt"));
  }

  static List<Template> parse(TextList list) {
    List<Template> templates = new ArrayList<>();
    for (int i = 0; i < list.lines().size(); i++) {
      try {
        templates.add(Template.parse(list.lines().get(i)));
      } catch (IllegalArgumentException e) {
        throw list.fault(i, e.getMessage());
      }
    }
    return List.copyOf(templates);
  }
}
