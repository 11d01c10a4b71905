package org.knowcap.generators.pools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The sentences that can state each attribute; each biography uses one of them, drawn uniformly. */
public record Templates(List<Template> birthDate, List<Template> birthCity, List<Template> university,
    List<Template> major, List<Template> employer, List<Template> employerCity) {

  /**
   * The templates that ship with the toolkit.
   *
   * @throws IllegalArgumentException naming file and line if a list is faulty
   */
  public static Templates shipped() {
    return of(TextList::shipped);
  }

  /**
   * The templates of a directory, from the files {@code template_birth_date.txt}, {@code template_birth_city.txt},
   * {@code template_university.txt}, {@code template_major.txt}, {@code template_employer.txt} and
   * {@code template_employer_city.txt}, with one template a line, such as "{name}'s birthday is {value}.". A
   * missing list is replaced by the toolkit's own.
   *
   * @throws IllegalArgumentException naming file and line if a list is faulty, or there is no such directory
   * @throws java.io.UncheckedIOException if a list cannot be read
   */
  public static Templates in(Path directory) {
    return of(TextList.in(directory));
  }

  private static Templates of(Function<String, TextList> lists) {
    Function<String, List<Template>> list = attribute -> parse(lists.apply("template_" + attribute + ".txt"));
    return new Templates(list.apply("birth_date"), list.apply("birth_city"), list.apply("university"),
        list.apply("major"), list.apply("employer"), list.apply("employer_city"));
  }

  static List<Template> parse(TextList list) {
    List<Template> templates = new ArrayList<>();
    for (int i = 0; i < list.lines().size(); i++) {
      try {
        templates.add(Template.parse(list.lines().get(i)));
      } catch (IllegalArgumentException e) {
        throw list.fault(i, String.valueOf(e.getMessage()));
      }
    }
    return List.copyOf(templates);
  }
}
