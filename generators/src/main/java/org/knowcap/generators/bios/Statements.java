package org.knowcap.generators.bios;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.pools.Template;
import org.knowcap.generators.pools.Templates;

/** Reads which values a text states, whoever wrote it, by the templates that sentences are made from. */
final class Statements {
  private static final List<String> PRONOUNS = List.of("He", "She");

  private final Map<Attribute, List<Template>> templates = new LinkedHashMap<>();

  Statements(Templates templates) {
    this.templates.put(Attribute.BIRTH_DATE, templates.birthDate());
    this.templates.put(Attribute.BIRTH_CITY, templates.birthCity());
    this.templates.put(Attribute.UNIVERSITY, templates.university());
    this.templates.put(Attribute.MAJOR, templates.major());
    this.templates.put(Attribute.EMPLOYER, templates.employer());
    this.templates.put(Attribute.EMPLOYER_CITY, templates.employerCity());
  }

  /**
   * The attributes whose true values the text states. The first sentence about an attribute counts: a text that states
   * one value and then another has stated the first.
   *
   * @param values what is true, the name included
   */
  Set<Attribute> stated(String text, Map<Attribute, String> values) {
    Set<Attribute> stated = new HashSet<>();
    String name = values.get(Attribute.NAME);
    templates.forEach((attribute, forms) -> {
      int first = Math.min(first(text, name, forms),
          PRONOUNS.stream().mapToInt(pronoun -> first(text, pronoun, forms)).min().orElseThrow());
      if (first < text.length() && (says(text, first, name, forms, values.get(attribute)) || PRONOUNS.stream()
          .anyMatch(pronoun -> says(text, first, pronoun, forms, values.get(attribute))))) {
        stated.add(attribute);
      }
    });
    String pronoun = values.get(Attribute.GENDER);
    int right = firstOfAll(text, pronoun);
    if (right < text.length()
        && PRONOUNS.stream().allMatch(each -> each.equals(pronoun) || firstOfAll(text, each) > right)) {
      stated.add(Attribute.GENDER);
    }
    return stated;
  }

  private int firstOfAll(String text, String subject) {
    return templates.values().stream().mapToInt(forms -> first(text, subject, forms)).min().orElseThrow();
  }

  /** Where the first sentence with that subject and one of the forms begins; the text's length if there is none. */
  private static int first(String text, String subject, List<Template> forms) {
    int first = text.length();
    String start = " " + subject;
    for (int at = text.indexOf(start); at >= 0 && at < first; at = text.indexOf(start, at + 1)) {
      for (Template form : forms) {
        if (text.startsWith(form.prefix() + " ", at + start.length())) {
          first = Math.min(first, at);
        }
      }
    }
    return first;
  }

  private static boolean says(String text, int at, String subject, List<Template> forms, String value) {
    return forms.stream()
        .anyMatch(form -> text.startsWith(" " + subject + form.prefix() + " " + value + form.suffix(), at));
  }
}
