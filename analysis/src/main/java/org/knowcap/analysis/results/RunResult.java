package org.knowcap.analysis.results;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.knowcap.analysis.capacity.RecallShares;
import org.knowcap.analysis.capacity.Capacity;
import org.knowcap.analysis.capacity.Memorisation;
import org.knowcap.analysis.capacity.SampleSummary;

/**
 * One measured run: a row of {@code results.csv}, whose columns are these components in this order, in
 * snake_case.
 *
 * @param run name of the run, unique in its study
 * @param corpus name of the corpus, such as "bioS(200)"
 * @param people N
 * @param exposures how often each person's biography occurred in training, counted by tokens, rounded
 * @param model short name, such as "gpt2-2-4"
 * @param parameters P
 * @param engine that trained and measured
 * @param seeds of corpus, weights and order
 * @param nameLossNats p1, nats: sum over the name's tokens, mean over people; absent for random strings, which have no names
 * @param valueLossNats p2, nats, mean over people: for bioS the sum over the tokens of the six values, for bioD the
 *        sum over the tokens of one value
 * @param storedBits bits of the corpus that the model stores
 * @param totalBits bits of the corpus
 * @param capacityRatio R, stored bits per parameter
 * @param maxCapacityRatio R^max, total bits per parameter
 * @param saturation R / R^max
 * @param tokensPerSecond of training
 * @param seconds of training
 * @param storedBitsStandardError bits
 * @param nameLossStandardError nats
 * @param valueLossStandardError nats
 * @param steps optimiser steps
 * @param tokens trained on
 * @param finalLossNats training loss at the end, nats a token
 * @param headWidth of an attention head
 * @param learningRate at its peak
 * @param activeParameters parameters that take part in one token's computation; fewer than P in a mixture of experts
 * @param causal whether a token's loss depends on no later token; where it does, R is no capacity
 * @param bits by part of the knowledge
 * @param lateShare share of the stored bits that were stored in the second half of the training, judged by the
 *        training loss; absent where the loss does not tell
 * @param limitedBy what kept the run from storing more
 * @param recall what the model says right
 * @param completeness of the texts in the windows
 * @param nameExactBits log2 C(N0, N), the bits of the set of names; absent in tables of earlier versions
 * @param setting what the lists under 'corpus' and 'training' of its study chose, such as "lr0.003"; absent where there
 *        are none
 * @param memorisation of random strings; its figures are absent for other corpora
 * @param acquisition when the run began to know, and what it makes up
 * @param frozenParameters parameters beside P that were not trained, in a model with adapters; absent without adapters
 * @param memoryParameters those of P that lie in tables of which a token looks up some rows; absent without such tables
 */
public record RunResult(String run, String corpus, long people, long exposures, String model, long parameters,
    String engine, Seeds seeds, OptionalDouble nameLossNats, double valueLossNats, double storedBits,
    double totalBits, double capacityRatio, double maxCapacityRatio, double saturation,
    double tokensPerSecond, double seconds, double storedBitsStandardError,
    OptionalDouble nameLossStandardError, double valueLossStandardError, long steps, long tokens,
    double finalLossNats, int headWidth, double learningRate, long activeParameters, boolean causal,
    PartBits bits, OptionalDouble lateShare, Limit limitedBy, RecallShares recall, Completeness completeness,
    OptionalDouble nameExactBits, Optional<String> setting, Memorisation memorisation,
    Acquisition acquisition, OptionalDouble frozenParameters, OptionalDouble memoryParameters) {
  /** Relative difference up to which two numbers agree, so that tables with rounded numbers are read. */
  private static final double ROUNDED = 0.01;
  /** A sample of the people can seem to be known better than all of them. */
  private static final double STANDARD_ERRORS = 5;

  /**
   * Checks that the figures can be those of one run.
   *
   * @throws IllegalArgumentException if a figure is impossible or contradicts the others; the message begins with its column
   */
  public RunResult {
    memorisation = memorisation == null ? Memorisation.NONE : memorisation;
    acquisition = acquisition == null ? Acquisition.UNKNOWN : acquisition;
    frozenParameters = frozenParameters == null ? OptionalDouble.empty() : frozenParameters;
    memoryParameters = memoryParameters == null ? OptionalDouble.empty() : memoryParameters;
    recall = recall == null ? RecallShares.NONE : recall;
    completeness = completeness == null ? Completeness.UNKNOWN : completeness;
    text("run", run);
    text("corpus", corpus);
    atLeast(1, "people", people);
    atLeast(1, "exposures", exposures);
    text("model", model);
    atLeast(1, "parameters", parameters);
    text("engine", engine);
    nameLossNats.ifPresent(loss -> atLeastZero("name_loss_nats", loss));
    atLeastZero("value_loss_nats", valueLossNats);
    finite("stored_bits", storedBits);
    aboveZero("total_bits", totalBits);
    follows("capacity_ratio", capacityRatio, "stored_bits / parameters", storedBits / parameters);
    follows("max_capacity_ratio", maxCapacityRatio, "total_bits / parameters", totalBits / parameters);
    follows("saturation", saturation, "stored_bits / total_bits", storedBits / totalBits);
    atLeastZero("tokens_per_second", tokensPerSecond);
    atLeastZero("seconds", seconds);
    atLeastZero("stored_bits_standard_error", storedBitsStandardError);
    storedOf("stored_bits", storedBits, "total_bits", totalBits, storedBitsStandardError);
    nameLossStandardError.ifPresent(error -> atLeastZero("name_loss_standard_error", error));
    atLeastZero("value_loss_standard_error", valueLossStandardError);
    atLeast(0, "steps", steps);
    atLeast(0, "tokens", tokens);
    finite("final_loss_nats", finalLossNats);
    atLeast(1, "head_width", headWidth);
    atLeastZero("learning_rate", learningRate);
    atLeast(1, "active_parameters", activeParameters);
    if (activeParameters > parameters) {
      throw new IllegalArgumentException("active_parameters is " + activeParameters
          + "; it must be at most parameters, which is " + parameters);
    }
    frozenParameters.ifPresent(count -> aboveZero("frozen_parameters", count));
    memoryParameters.ifPresent(count -> {
      aboveZero("memory_parameters", count);
      if (count > parameters) {
        throw new IllegalArgumentException(
            "memory_parameters is " + count + "; it must be at most parameters, which is " + parameters);
      }
    });
    lateShare.ifPresent(share -> finite("late_share", share));
    nameExactBits.ifPresent(exact -> atLeastZero("name_exact_bits", exact));
    memorisation.memorisedBits().ifPresent(count -> atLeastZero("memorised_bits", count));
    memorisation.unseenMemorisedBits().ifPresent(count -> atLeastZero("unseen_memorised_bits", count));
    memorisation.unseenStoredBits().ifPresent(count -> finite("unseen_stored_bits", count));
  }

  /**
   * This run under another name.
   *
   * @param choices of the lists of its study; empty where there are none
   */
  public RunResult named(String name, String choices) {
    return new RunResult(name, corpus, people, exposures, model, parameters, engine, seeds, nameLossNats,
        valueLossNats, storedBits, totalBits, capacityRatio, maxCapacityRatio, saturation, tokensPerSecond,
        seconds, storedBitsStandardError, nameLossStandardError, valueLossStandardError, steps, tokens,
        finalLossNats, headWidth, learningRate, activeParameters, causal, bits, lateShare, limitedBy, recall,
        completeness, nameExactBits, Optional.of(choices).filter(setting -> !setting.isEmpty()), memorisation,
        acquisition, frozenParameters, memoryParameters);
  }

  /** Whether there was hardly more to store, so that R does not say what the model can hold. */
  public boolean corpusBound() {
    return limitedBy == Limit.CORPUS;
  }

  /** This run if its model stored some bits more, but no more than the corpus has. */
  public RunResult with(double moreBits) {
    double stored = Math.max(storedBits, Math.min(storedBits + moreBits, totalBits));
    return new RunResult(run, corpus, people, exposures, model, parameters, engine, seeds, nameLossNats,
        valueLossNats, stored, totalBits, stored / parameters, maxCapacityRatio, stored / totalBits,
        tokensPerSecond, seconds, storedBitsStandardError, nameLossStandardError, valueLossStandardError,
        steps, tokens, finalLossNats, headWidth, learningRate, activeParameters, causal, bits, lateShare,
        limitedBy, recall, completeness, nameExactBits, setting, memorisation, acquisition, frozenParameters,
        memoryParameters);
  }

  /** This run, with what is known of how it began to know. */
  public RunResult with(Acquisition other) {
    return new RunResult(run, corpus, people, exposures, model, parameters, engine, seeds, nameLossNats,
        valueLossNats, storedBits, totalBits, capacityRatio, maxCapacityRatio, saturation, tokensPerSecond,
        seconds, storedBitsStandardError, nameLossStandardError, valueLossStandardError, steps, tokens,
        finalLossNats, headWidth, learningRate, activeParameters, causal, bits, lateShare, limitedBy, recall,
        completeness, nameExactBits, setting, memorisation, other, frozenParameters, memoryParameters);
  }

  /** Whether the corpus is full or in the grey zone, so that it may be what limits R. */
  public boolean nearlyFull() {
    return corpusBound() || Limit.mayBeCorpus(saturation);
  }

  /** What the model learnt: a corpus of N people, the number of exposures of each, and the bits of the set of names. */
  public record Learnt(String corpus, long people, long exposures, Seeds seeds, Completeness completeness,
      OptionalDouble nameExactBits) {}

  /**
   * The model that learnt the corpus.
   *
   * @param parameters that were trained
   * @param frozenParameters all others; 0 without adapters
   * @param memoryParameters those of P that lie in tables of which a token looks up some rows
   */
  public record Model(String name, int headWidth, long parameters, long activeParameters,
      long frozenParameters, long memoryParameters, boolean causal) {}

  /**
   * How it learnt.
   *
   * @param steps of the optimiser
   * @param tokens trained on
   * @param finalLossNats nats a token
   * @param setting what the lists of its study chose; empty where there are none
   */
  public record Training(String engine, String setting, double learningRate, long steps, long tokens,
      double seconds, double finalLossNats) {}

  /**
   * The row of a run.
   *
   * @param names losses of names, nats; absent for random strings
   * @param values losses of values, nats
   * @param capacity of the model, from the same people
   * @param lateShare share of the bits that were stored in the second half of the training
   * @param limitedBy what limited the training
   * @param recall what the model says right
   * @param memorisation of random strings
   */
  public static RunResult of(String run, Learnt learnt, Model model, Training training,
      Optional<SampleSummary> names, SampleSummary values, Capacity capacity, OptionalDouble lateShare,
      Limit limitedBy, RecallShares recall, Memorisation memorisation) {
    return new RunResult(run, learnt.corpus, learnt.people, learnt.exposures, model.name, model.parameters,
        training.engine, learnt.seeds, figure(names, SampleSummary::mean), values.mean(),
        capacity.storedBits(), capacity.totalBits(), capacity.capacityRatio(), capacity.maxCapacityRatio(),
        capacity.saturation(), training.tokens / training.seconds, training.seconds,
        capacity.storedBitsStandardError(), figure(names, SampleSummary::standardError),
        values.standardError(), training.steps, training.tokens, training.finalLossNats, model.headWidth,
        training.learningRate, model.activeParameters, model.causal, PartBits.of(capacity.parts()), lateShare,
        limitedBy, recall, learnt.completeness, learnt.nameExactBits,
        Optional.of(training.setting).filter(setting -> !setting.isEmpty()), memorisation,
        Acquisition.UNKNOWN, counted(model.frozenParameters), counted(model.memoryParameters));
  }

  private static OptionalDouble counted(long parameters) {
    return parameters > 0 ? OptionalDouble.of(parameters) : OptionalDouble.empty();
  }

  private static OptionalDouble figure(Optional<SampleSummary> of, ToDoubleFunction<SampleSummary> figure) {
    return of.map(summary -> OptionalDouble.of(figure.applyAsDouble(summary))).orElse(OptionalDouble.empty());
  }

  /** Whether every parameter takes part in every token's computation, and no token's loss depends on a later one. */
  public boolean dense() {
    return activeParameters == parameters && causal;
  }

  static void text(String column, String value) {
    if (value.isBlank() || !value.equals(value.strip()) || value.lines().count() != 1) {
      throw new IllegalArgumentException(
          column + " is \"" + value + "\"; it must be one line of text with no spaces around it");
    }
  }

  static void atLeast(long least, String column, long value) {
    if (value < least) {
      throw new IllegalArgumentException(column + " is " + value + "; it must be at least " + least);
    }
  }

  static void finite(String column, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(column + " is " + value + "; it must be a finite number");
    }
  }

  /** Refuses a figure that does not follow from others of its row. */
  static void follows(String column, double value, String formula, double expected) {
    finite(column, value);
    if (!(Math.abs(value - expected) <= ROUNDED * Math.abs(expected))) {
      throw new IllegalArgumentException(
          column + " is " + value + ", but " + formula + " is " + expected + "; they must agree to 1 %");
    }
  }

  /** Refuses more stored bits than there are. */
  static void storedOf(String column, double stored, String totalColumn, double total, double standardError) {
    if (!Double.isFinite(stored) || stored > (1 + ROUNDED) * total + STANDARD_ERRORS * standardError) {
      throw new IllegalArgumentException(column + " is " + stored + "; it must be finite and at most "
          + totalColumn + ", which is " + total);
    }
  }

  static void share(String column, double value) {
    // The sum of all people's shares is rounded.
    if (!(value >= 0 && value <= 1 + 1e-9)) {
      throw new IllegalArgumentException(column + " is " + value + "; it must be a share from 0 to 1");
    }
  }

  static void atLeastZero(String column, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(column + " is " + value + "; it must be finite and at least 0");
    }
  }

  static void aboveZero(String column, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(column + " is " + value + "; it must be finite and above 0");
    }
  }
}
