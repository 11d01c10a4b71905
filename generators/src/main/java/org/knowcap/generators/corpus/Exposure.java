package org.knowcap.generators.corpus;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.knowcap.files.Sha256;
import org.knowcap.generators.random.CounterRandom;

/**
 * How often people occur in training, and when, where this is not everybody once in each round. The exposures of a study are then
 * the mean over the people. Which person has which rank, group or cohort is drawn from the corpus's seed.
 */
public sealed interface Exposure {
  /** The table of shares is kept in memory. */
  long MOST_PEOPLE = 10_000_000;
  double MOST_EXPONENT = 10;
  int MOST_GROUPS = 100;
  double MOST_TIMES = 1e6;
  int MOST_COHORTS = 1000;
  double MOST_RATIO = 1e6;

  /** The order of the items. */
  Turns turns(Draw draw);

  /** Whether the order depends on how many exposures the training has. */
  boolean needsLength();

  /** In the names of runs, such as "zipf1.5". */
  String label();

  /** In the names of corpora, such as "zipf 1.5". */
  String words();

  /** The settings as they go into files, by the keys that studies have. */
  Map<String, Object> parameters();

  /**
   * What an order is made from.
   *
   * @param ranks who has which rank, group or cohort
   * @param orders order of the items of each round
   * @param people N
   * @param exposures of a person, mean over all; at least 1
   */
  record Draw(CounterRandom ranks, CounterRandom orders, long people, double exposures) {
    /** The number of all items. */
    long items() {
      return Math.round(people * exposures);
    }
  }

  /**
   * By Zipf's law: the person of rank k has the share k^-a / H of all items, where H is the sum of all k^-a.
   *
   * @param exponent a, above 0 and at most 10
   */
  record Zipf(double exponent) implements Exposure {
    public Zipf {
      if (!(exponent > 0 && exponent <= MOST_EXPONENT)) {
        throw new IllegalArgumentException("the exponent of Zipf's law must be above 0 and at most "
            + (int) MOST_EXPONENT + ", found " + exponent);
      }
    }

    @Override
    public Turns turns(Draw draw) {
      return new Skew(draw,
          IntStream.range(0, few(draw.people)).mapToDouble(rank -> Math.pow(rank + 1, -exponent)).toArray(),
          new int[0]);
    }

    @Override
    public boolean needsLength() {
      return false;
    }

    @Override
    public String label() {
      return "zipf" + exponent;
    }

    @Override
    public String words() {
      return "zipf " + exponent;
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of("zipf", exponent);
    }
  }

  /**
   * A group of people.
   *
   * @param share of the people, above 0
   * @param times how often each of them occurs, relative to the other groups
   */
  record Group(double share, double times) {
    public Group {
      if (!(share > 0 && share <= 1)) {
        throw new IllegalArgumentException(
            "a group's share of the people must be above 0 and at most 1, found " + share);
      }
      if (!(times > 0 && times <= MOST_TIMES)) {
        throw new IllegalArgumentException(
            "a group's 'times' must be above 0 and at most " + (int) MOST_TIMES + ", found " + times);
      }
    }
  }

  /** Groups of people, of whom each has its own number of exposures. */
  record Groups(List<Group> groups) implements Exposure {
    private static final double ROUNDING = 1e-9;

    public Groups {
      groups = List.copyOf(groups);
      if (groups.size() < 2 || groups.size() > MOST_GROUPS) {
        throw new IllegalArgumentException(
            "there must be 2 to " + MOST_GROUPS + " groups, found " + groups.size());
      }
      double sum = groups.stream().mapToDouble(Group::share).sum();
      if (Math.abs(sum - 1) > ROUNDING) {
        throw new IllegalArgumentException("the groups' shares of the people must sum to 1, found " + sum);
      }
    }

    @Override
    public Turns turns(Draw draw) {
      int people = few(draw.people);
      double[] weights = new double[people];
      int[] ends = new int[groups.size()];
      double share = 0;
      int from = 0;
      for (int group = 0; group < ends.length; group++) {
        share += groups.get(group).share;
        ends[group] = (int) Math.min(people, Math.round(share * people));
        if (ends[group] == from) {
          throw new IllegalArgumentException(
              "a share of " + groups.get(group).share + " of " + people + " people is nobody: group "
                  + (group + 1) + " is empty; give it a larger share, or the corpus more people");
        }
        for (int rank = from; rank < ends[group]; rank++) {
          weights[rank] = groups.get(group).times;
        }
        from = ends[group];
      }
      return new Skew(draw, weights, ends);
    }

    @Override
    public boolean needsLength() {
      return false;
    }

    @Override
    public String label() {
      return "groups" + groups.size();
    }

    @Override
    public String words() {
      return "in " + groups.size() + " groups";
    }

    @Override
    public Map<String, Object> parameters() {
      List<Map<String, Object>> each = new ArrayList<>();
      for (Group group : groups) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("share", group.share);
        settings.put("times", group.times);
        each.add(settings);
      }
      return Map.of("groups", each);
    }
  }

  /**
   * Training begins with a part of the people alone (arXiv 2503.21676), and goes on with all of them.
   *
   * @param share of the people, above 0 and below 1
   * @param warmUp share of all items that come first and are about this part of the people: above 0 and below 1
   */
  record WarmUpSubset(double share, double warmUp) implements Exposure {
    public WarmUpSubset {
      between("the share of people in the warm-up", share);
      between("the warm-up's share of all texts", warmUp);
    }

    private static void between(String what, double share) {
      if (!(share > 0 && share < 1)) {
        throw new IllegalArgumentException(what + " must lie between 0 and 1, found " + share);
      }
    }

    @Override
    public Turns turns(Draw draw) {
      return new WarmUpTurns(draw, share, warmUp);
    }

    @Override
    public boolean needsLength() {
      return true;
    }

    @Override
    public String label() {
      return "warmup" + share;
    }

    @Override
    public String words() {
      return "warm-up subset " + share;
    }

    @Override
    public Map<String, Object> parameters() {
      Map<String, Object> parameters = new LinkedHashMap<>();
      parameters.put("warm_up_subset", share);
      parameters.put("warm_up", warmUp);
      return parameters;
    }
  }

  /**
   * Cohorts of people enter one after the other, and the texts about a person come at intervals that grow.
   *
   * @param ratio of a person's last interval to the first, at least 1
   * @param cohorts into which the people are divided
   * @param entering part of the plan's time in which cohorts enter: from 0 to below 1
   */
  record Spaced(double ratio, int cohorts, double entering) implements Exposure {
    public Spaced {
      if (!(ratio >= 1 && ratio <= MOST_RATIO)) {
        throw new IllegalArgumentException(
            "the last interval must be 1 to " + (int) MOST_RATIO + " times the first, found " + ratio);
      }
      if (cohorts < 1 || cohorts > MOST_COHORTS) {
        throw new IllegalArgumentException(
            "there must be 1 to " + MOST_COHORTS + " cohorts, found " + cohorts);
      }
      if (!(entering >= 0 && entering < 1)) {
        throw new IllegalArgumentException(
            "the part of training in which cohorts enter must be from 0 to below 1, found " + entering);
      }
    }

    @Override
    public Turns turns(Draw draw) {
      return new SpacedTurns(draw, this);
    }

    @Override
    public boolean needsLength() {
      return true;
    }

    @Override
    public String label() {
      return "spaced" + ratio;
    }

    @Override
    public String words() {
      return "spaced " + ratio;
    }

    @Override
    public Map<String, Object> parameters() {
      Map<String, Object> spaced = new LinkedHashMap<>();
      spaced.put("ratio", ratio);
      spaced.put("cohorts", cohorts);
      spaced.put("entering", entering);
      return Map.of("spaced", spaced);
    }
  }

  /** Which people stay in training. */
  enum Choice {
    /** Those whom the model knows best. */
    LOWEST_LOSS("lowest", "by lowest loss"),
    /** Those whom it knows least. */
    HIGHEST_LOSS("highest", "by highest loss"),
    /** As many people, whatever the model knows of them. */
    RANDOM("random", "at random");

    private final String label;
    private final String words;

    Choice(String label, String words) {
      this.label = label;
      this.words = words;
    }
  }

  /**
   * Only some of the people occur, all equally often: those whom an earlier measurement chooses (arXiv 2604.08519), or as many at
   * random.
   *
   * @param keep share of the people who occur: above 0 and below 1
   * @param choice which people these are
   * @param losses what the earlier model's values of each person cost, nats; empty for a random choice
   */
  record Pruned(double keep, Choice choice, List<Double> losses) implements Exposure {
    public Pruned {
      losses = List.copyOf(losses);
      if (!(keep > 0 && keep < 1)) {
        throw new IllegalArgumentException(
            "the share of people to keep must lie between 0 and 1, found " + keep);
      }
      if (losses.isEmpty() != (choice == Choice.RANDOM)) {
        throw new IllegalArgumentException(choice == Choice.RANDOM
            ? "a random choice takes no losses"
            : "people are to be kept " + choice.words + ", but there are no losses");
      }
    }

    @Override
    public Turns turns(Draw draw) {
      return new PrunedTurns(draw, this);
    }

    @Override
    public boolean needsLength() {
      return false;
    }

    @Override
    public String label() {
      return "pruned" + keep + choice.label;
    }

    @Override
    public String words() {
      return "pruned to " + keep + " " + choice.words;
    }

    @Override
    public Map<String, Object> parameters() {
      Map<String, Object> pruned = new LinkedHashMap<>();
      pruned.put("keep", keep);
      pruned.put("choose", choice.name().toLowerCase(Locale.ROOT));
      if (choice != Choice.RANDOM) {
        pruned.put("losses", Sha256.of(losses.toString()));
      }
      return Map.of("pruned", pruned);
    }
  }

  /** All texts about a person come one right after the other, then those about the next person. */
  record OneAfterAnother() implements Exposure {
    @Override
    public Turns turns(Draw draw) {
      return new SuccessiveTurns(draw.people, draw.exposures);
    }

    @Override
    public boolean needsLength() {
      return true;
    }

    @Override
    public String label() {
      return "sequence";
    }

    @Override
    public String words() {
      return "in sequence";
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of("sequence", true);
    }
  }

  private static int few(long people) {
    if (people > MOST_PEOPLE) {
      throw new IllegalArgumentException(
          "unequal exposures are for at most " + MOST_PEOPLE + " people, found " + people);
    }
    return (int) people;
  }
}
