package org.knowcap.generators.corpus;

/**
 * One thing that a text states about a person.
 *
 * @param key the name used in files, such as "birth_date"
 */
public record Attribute(String key) {
  public static final Attribute NAME = new Attribute("name");
  public static final Attribute BIRTH_DATE = new Attribute("birth_date");
  public static final Attribute BIRTH_CITY = new Attribute("birth_city");
  public static final Attribute UNIVERSITY = new Attribute("university");
  public static final Attribute MAJOR = new Attribute("major");
  public static final Attribute EMPLOYER = new Attribute("employer");
  /** The pronoun, "He" or "She", states it. */
  public static final Attribute GENDER = new Attribute("gender");
  /** The employer determines it. */
  public static final Attribute EMPLOYER_CITY = new Attribute("employer_city");

  /** The first half of a random string. */
  public static final Attribute BEGINNING = new Attribute("beginning");
  /** The second half of a random string. */
  public static final Attribute REST = new Attribute("rest");

  /** bioD's attribute "ID {@code number}", counted from 1. */
  public static Attribute id(int number) {
    return new Attribute("id_" + number);
  }

  @Override
  public String toString() {
    return key;
  }
}
