package org.knowcap.generators.pools;

/**
 * How many entries of each pool are in force; a pool cut to k keeps the first k entries of its list. Every
 * count of bits follows from these sizes.
 *
 * @param first        first names, 1..400
 * @param middle       middle names, 1..400
 * @param last         last names, 1..1000
 * @param months       months of birth, 1..12
 * @param days         days of the month, 1..28
 * @param years        years of birth, 1..200, from 1900 on
 * @param birthCities  cities of birth, 1..200
 * @param universities 1..300
 * @param majors       1..100
 * @param employers    1..263; an employer's city comes with it
 */
public record PoolSizes(int first, int middle, int last, int months, int days, int years, int birthCities,
    int universities, int majors, int employers) {

  /** The sizes of the paper (arXiv 2404.05405), which are also the shipped lists' lengths. */
  public static final PoolSizes PAPER = new PoolSizes(400, 400, 1000, 12, 28, 200, 200, 300, 100, 263);

  /** @throws IllegalArgumentException if a size is below 1 or above its list */
  public PoolSizes {
    check("first", first, 400);
    check("middle", middle, 400);
    check("last", last, 1000);
    check("months", months, 12);
    check("days", days, 28);
    check("years", years, 200);
    check("birth_cities", birthCities, 200);
    check("universities", universities, 300);
    check("majors", majors, 100);
    check("employers", employers, 263);
  }

  /** N0, the number of different full names. */
  public long names() {
    return (long) first * middle * last;
  }

  private static void check(String pool, int size, int longest) {
    if (size < 1 || size > longest) {
      throw new IllegalArgumentException(
          "pool " + pool + " must have 1.." + longest + " entries, found " + size);
    }
  }
}
