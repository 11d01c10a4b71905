package org.knowcap.experiments.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.knowcap.experiments.UserException;

/**
 * What is asked of Slurm besides.
 *
 * @param time limit of a task, in one of sbatch's forms
 * @param partition where tasks run
 * @param arrayLimit the most tasks of an array; empty for the cluster's limit
 * @param more options of sbatch, as they are
 */
public record SlurmRequest(Optional<String> time, Optional<String> partition, Optional<Integer> arrayLimit,
    List<String> more) {
  /** Forms of a time that sbatch takes: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS. */
  private static final Pattern TIME = Pattern
      .compile("(?:(\\d{1,6})-)?(\\d{1,6})(?::(\\d{1,2}))?(?::(\\d{1,2}))?");
  /** How long before the time limit a task is warned. Slurm's clock for that is 30 s coarse. */
  private static final long WARNING_SECONDS = 120;
  /** Options that the way tasks find their runs and are put back in the queue depends on. */
  private static final List<String> OWN = List.of("--array", "-a", "--job-name", "-J", "--signal", "--output",
      "-o", "--open-mode", "--no-requeue", "--wrap", "--dependency", "-d", "--chdir", "-D", "--parsable");

  public SlurmRequest {
    more = List.copyOf(more);
    time.ifPresent(SlurmRequest::seconds);
    partition.filter(name -> !name.matches("[\\w.,-]+")).ifPresent(name -> {
      throw UserException.usage("--partition must be a name, or several with commas, found '" + name + "'");
    });
    arrayLimit.ifPresent(limit -> UserException.requireAtLeastOne("--array-limit", limit));
    for (String option : more) {
      if (!option.matches("--?[A-Za-z][^\\n\\r]*")) {
        throw UserException
            .usage("--sbatch takes an option of sbatch, such as \"--account=x\", found '" + option + "'");
      }
      // Of a line of a script, sbatch takes all options.
      for (String word : option.split("\\s+")) {
        OWN.stream().filter(own -> isOption(word.split("=", 2)[0], own)).findFirst().ifPresent(own -> {
          throw UserException.usage("--sbatch cannot set " + own + ": Knowcap needs its own");
        });
      }
    }
  }

  /** Whether sbatch may read a word as an option: long ones may be cut short, and after a short one its value may follow at once. */
  private static boolean isOption(String word, String option) {
    return option.startsWith("--") ? word.length() > 2 && option.startsWith(word) : word.startsWith(option);
  }

  private static long seconds(String time) {
    Matcher parts = TIME.matcher(time);
    if (!parts.matches()) {
      throw UserException.usage("--time must be minutes, HH:MM:SS or D-HH:MM:SS, found '" + time + "'");
    }
    long first = Long.parseLong(parts.group(2));
    long second = number(parts.group(3));
    long third = number(parts.group(4));
    long seconds;
    if (parts.group(1) != null) {
      seconds = ((number(parts.group(1)) * 24 + first) * 60 + second) * 60 + third;
    } else if (parts.group(4) != null) {
      seconds = (first * 60 + second) * 60 + third;
    } else {
      seconds = first * 60 + second;
    }
    if (seconds == 0) {
      throw UserException.usage("--time must be more than 0, found '" + time + "'");
    }
    return seconds;
  }

  private static long number(@Nullable String digits) {
    return digits == null ? 0 : Long.parseLong(digits);
  }

  /** How many seconds before its end a task of limited time is warned. */
  long warningSeconds() {
    return time.map(limit -> Math.max(1, Math.min(WARNING_SECONDS, seconds(limit) / 10)))
        .orElse(WARNING_SECONDS);
  }

  /** The options that all jobs have: where, how long, and what the user gave. */
  List<String> options() {
    List<String> options = new ArrayList<>();
    time.ifPresent(limit -> options.add("--time=" + limit));
    partition.ifPresent(name -> options.add("--partition=" + name));
    options.addAll(more);
    return options;
  }
}
