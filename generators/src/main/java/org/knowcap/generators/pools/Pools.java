package org.knowcap.generators.pools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The lists of names and values that people are drawn from.
 *
 * @param first        first names
 * @param middle       middle names
 * @param last         last names
 * @param months       "January", ...
 * @param days         "1", ...
 * @param years        "1900", ...
 * @param birthCities  "City, ST"
 * @param universities names of universities
 * @param majors       fields of study
 * @param employers    employers with their cities
 */
public record Pools(List<String> first, List<String> middle, List<String> last, List<String> months,
    List<String> days, List<String> years, List<String> birthCities, List<String> universities,
    List<String> majors, List<Employer> employers) {

  private static final List<String> MONTHS = List.of("January", "February", "March", "April", "May", "June",
      "July", "August", "September", "October", "November", "December");
  private static final int DAYS = 28;
  private static final int FIRST_YEAR = 1900;
  private static final int YEARS = 200;

  /**
   * The lists that ship with the toolkit.
   *
   * @throws IllegalArgumentException naming file and line if a list is faulty
   */
  public static Pools shipped() {
    return of(TextList::shipped);
  }

  /** The lists that ship with the toolkit, {@link #cut} to some sizes. */
  public static Pools shipped(PoolSizes sizes) {
    return shipped().cut(sizes);
  }

  /**
   * The lists of a directory laid out like the {@code fields} folder of PhysicsLM4: {@code first_name.txt},
   * {@code middle_name.txt}, {@code last_name.txt}, {@code city.txt}, {@code university.txt},
   * {@code field.txt} and {@code company.txt}, with one entry a line, in UTF-8, with LF or CRLF; a line of
   * {@code company.txt} is "Name; City, ST". A missing list is replaced by the toolkit's own.
   *
   * @throws IllegalArgumentException naming file and line if a list is faulty, or there is no such directory
   * @throws java.io.UncheckedIOException if a list cannot be read
   */
  public static Pools in(Path directory) {
    return of(TextList.in(directory));
  }

  private static Pools of(Function<String, TextList> lists) {
    List<TextList> names = List.of(lists.apply("first_name.txt"), lists.apply("middle_name.txt"),
        lists.apply("last_name.txt"));
    List<String> severalWords = names.stream()
        .filter(list -> list.lines().stream().anyMatch(name -> name.contains(" ")))
        .map(TextList::file)
        .toList();
    if (severalWords.size() > 1) {
      throw new IllegalArgumentException(String.join(" and ", severalWords)
          + " have names of several words, but only one list of names may: else two people's full names "
          + "could be the same words");
    }
    return new Pools(names.get(0).lines(), names.get(1).lines(), names.get(2).lines(), MONTHS,
        numbers(1, DAYS), numbers(FIRST_YEAR, YEARS), lists.apply("city.txt").lines(),
        lists.apply("university.txt").lines(), lists.apply("field.txt").lines(),
        employers(lists.apply("company.txt")));
  }

  /**
   * The lists cut to their first entries.
   *
   * @throws IllegalArgumentException if a size is below 1 or above its list
   */
  public Pools cut(PoolSizes sizes) {
    return new Pools(cut("first", first, sizes.first()), cut("middle", middle, sizes.middle()),
        cut("last", last, sizes.last()), cut("months", months, sizes.months()),
        cut("days", days, sizes.days()), cut("years", years, sizes.years()),
        cut("birth_cities", birthCities, sizes.birthCities()),
        cut("universities", universities, sizes.universities()), cut("majors", majors, sizes.majors()),
        cut("employers", employers, sizes.employers()));
  }

  private static <T> List<T> cut(String pool, List<T> entries, int size) {
    if (size < 1 || size > entries.size()) {
      throw new IllegalArgumentException(
          "pool " + pool + " must have 1.." + entries.size() + " entries, found " + size);
    }
    return entries.subList(0, size);
  }

  /** The length of each list. */
  public PoolSizes sizes() {
    return new PoolSizes(first.size(), middle.size(), last.size(), months.size(), days.size(), years.size(),
        birthCities.size(), universities.size(), majors.size(), employers.size());
  }

  /** Reads lines of "Name; City, ST". */
  static List<Employer> employers(TextList list) {
    List<Employer> employers = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < list.lines().size(); i++) {
      String[] parts = list.lines().get(i).split("; ", -1);
      if (parts.length != 2 || parts[0].isEmpty() || parts[1].isEmpty()) {
        throw list.fault(i, "must be \"Name; City, ST\"");
      }
      if (!names.add(parts[0])) {
        throw list.fault(i, "repeats an employer");
      }
      employers.add(new Employer(parts[0], parts[1]));
    }
    return List.copyOf(employers);
  }

  private static List<String> numbers(int from, int count) {
    return IntStream.range(from, from + count).mapToObj(Integer::toString).toList();
  }
}
