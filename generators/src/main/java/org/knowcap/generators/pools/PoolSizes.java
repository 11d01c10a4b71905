package org.knowcap.generators.pools;

/**
 * The number of entries of each pool; a pool of size k has the first k entries of its list. Every
 * count of bits follows from these sizes.
 *
 * @param first        first names
 * @param middle       middle names
 * @param last         last names
 * @param months       months of birth
 * @param days         days of the month
 * @param years        years of birth, from 1900 on
 * @param birthCities  cities of birth
 * @param universities names of universities
 * @param majors       fields of study
 * @param employers    employers, each with its city
 */
public record PoolSizes(int first, int middle, int last, int months, int days, int years, int birthCities,
    int universities, int majors, int employers) {

  /** The sizes of the paper (arXiv 2404.05405), which are also the lengths of the shipped lists. */
  public static final PoolSizes PAPER = new PoolSizes(400, 400, 1000, 12, 28, 200, 200, 300, 100, 263);

  /** N0, the number of different full names. */
  public long names() {
    return (long) first * middle * last;
  }
}
