package org.knowcap.generators.pools;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What people are made of: the entries in force of every pool, in order.
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
  private static final int FIRST_YEAR = 1900;

  /**
   * The toolkit's own lists, cut to size.
   *
   * @throws IllegalArgumentException naming file and line if a list is faulty
   */
  public static Pools shipped(PoolSizes sizes) {
    return new Pools(list("first_name.txt", sizes.first()), list("middle_name.txt", sizes.middle()),
        list("last_name.txt", sizes.last()), MONTHS.subList(0, sizes.months()), numbers(1, sizes.days()),
        numbers(FIRST_YEAR, sizes.years()), list("city.txt", sizes.birthCities()),
        list("university.txt", sizes.universities()), list("field.txt", sizes.majors()),
        employers(TextList.shipped("company.txt").cut(sizes.employers())));
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

  private static List<String> list(String file, int count) {
    return TextList.shipped(file).cut(count).lines();
  }

  private static List<String> numbers(int from, int count) {
    return IntStream.range(from, from + count).mapToObj(Integer::toString).toList();
  }
}
