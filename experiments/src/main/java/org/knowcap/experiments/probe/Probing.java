package org.knowcap.experiments.probe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.bits.KnowledgeKind;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Source;
import org.knowcap.generators.corpus.Span;
import org.knowcap.models.probe.ProbeProgram;
import org.knowcap.models.program.Program;

/**
 * Probes a trained run, attribute by attribute: a Q-probe reads the last token of a person's name, with only the
 * end-of-text token before it; a P-probe reads the token right before each value of a biography. Half of the people
 * train the probes, the others test them.
 *
 * @param layer whose residual stream is read, from 1; empty for the input of the head
 * @param people the most people of the corpus to use
 * @param steps of each probe's training
 */
public record Probing(Optional<Integer> layer, long people, int steps, long seed) {
  private static final int NAME_RANK = 16;
  private static final int POSITION_RANK = 2;
  private static final int NAME_WINDOWS = 64;
  private static final int POSITION_WINDOWS = 16;
  private static final double RATE = 0.01;
  /** If an attribute has more values than this, the probe predicts their first token. */
  private static final int MOST_CLASSES = 400;
  private static final String VALUE = "value";

  /** A person's texts: number of the person, and a biography. */
  private record Subject(long person, AnnotatedItem item) {}

  /** Receives each attribute when it is done. */
  public interface Listener {
    void done(ProbedAttribute attribute);
  }

  /**
   * Refuses a run that cannot be probed, before anything is trained.
   *
   * @throws UserException where the model has no such layer, or the corpus has too few people
   */
  public void requireFits(TrainedRun run) {
    Source source = run.corpus().measured();
    if (source.people() < 4) {
      throw UserException.usage("a probe needs at least 4 people, half of them to learn from; "
          + source.name() + " has " + source.people());
    }
    if (!source.values(0).containsKey(Attribute.NAME)) {
      throw UserException
          .usage("a probe reads what stands behind names, and texts of " + source.name() + " have none");
    }
    try {
      program(run, 1, 1, 1, 1);
    } catch (IllegalArgumentException e) {
      throw UserException.usage("--layer: " + e.getMessage());
    }
  }

  /**
   * Probes a run.
   *
   * @throws UserException where {@link #requireFits} refuses it
   */
  public List<ProbedAttribute> of(TrainedRun run, Listener listener) {
    requireFits(run);
    Source source = run.corpus().measured();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    List<Long> persons = LongStream.range(0, source.people())
        .boxed()
        .collect(Collectors.toCollection(ArrayList::new));
    Collections.shuffle(persons, random);
    List<Subject> subjects = persons.subList(0, (int) Math.min(people, persons.size()))
        .stream()
        .map(person -> new Subject(person, source.measuringItem(person, person)))
        .toList();
    List<ProbedAttribute> all = new ArrayList<>();
    for (Attribute attribute : source.truth().attributes()) {
      ProbedAttribute probed = probed(run, subjects, attribute, random);
      listener.done(probed);
      all.add(probed);
    }
    return all;
  }

  private ProbeProgram program(TrainedRun run, int windows, int length, int blocks, int classes) {
    return ProbeProgram.of(run.architecture(), RunSpec.ids(run.corpus()), windows, length, layer, blocks,
        classes);
  }

  private ProbedAttribute probed(TrainedRun run, List<Subject> subjects, Attribute attribute,
      RandomGenerator random) {
    String part = part(run, subjects, attribute);
    Map<String, Integer> numbers = new HashMap<>();
    Map<Long, Integer> classes = new HashMap<>();
    for (Subject subject : subjects) {
      String answer = answer(run, subject, attribute, part);
      classes.put(subject.person, numbers.computeIfAbsent(answer, _ -> numbers.size()));
    }
    int half = subjects.size() / 2;
    List<Example> names = subjects.stream()
        .map(subject -> name(subject, classes.get(subject.person)))
        .toList();
    List<Example> texts = subjects.stream()
        .map(subject -> text(subject, attribute, classes.get(subject.person)))
        .toList();
    int positions = run.corpus().measured().truth().attributes().size();
    double[] byName = accuracy(run, names, half, NAME_WINDOWS, NAME_RANK, 1, numbers.size(), random);
    double[] byPosition = accuracy(run, texts, half, POSITION_WINDOWS, POSITION_RANK, positions,
        numbers.size(), random);
    Map<Integer, Long> counts = subjects.stream()
        .collect(Collectors.groupingBy(subject -> classes.get(subject.person), Collectors.counting()));
    return new ProbedAttribute(attribute.key(), numbers.size(), part, byName[0],
        Arrays.stream(byPosition).boxed().toList(),
        counts.values().stream().mapToLong(Long::longValue).max().orElseThrow() / (double) subjects.size());
  }

  private double[] accuracy(TrainedRun run, List<Example> examples, int half, int windows, int rank,
      int blocks, int classes, RandomGenerator random) {
    int length = examples.stream().mapToInt(example -> example.tokens().length).max().orElseThrow();
    ProbeProgram program = program(run, windows, length, blocks, classes);
    Program trained = Program.scoring(run.architecture(), RunSpec.ids(run.corpus()), 1, 1);
    try (LowRankProbe probe = new LowRankProbe(program, program.parameters(trained, run.parameters()), rank,
        random)) {
      probe.train(examples.subList(0, half), steps, RATE, random);
      return probe.accuracy(examples.subList(half, examples.size()));
    }
  }

  private static List<Span> values(AnnotatedItem item, Attribute attribute) {
    return item.spans()
        .stream()
        .filter(span -> span.kind() == KnowledgeKind.VALUE && span.attribute().equals(attribute))
        .toList();
  }

  private static String answer(TrainedRun run, Subject subject, Attribute attribute, String part) {
    Span span = values(subject.item, attribute).getFirst();
    int end = part.equals("first token") ? span.start() + 1 : span.end();
    return run.corpus().vocabulary().decode(subject.item.tokens(), span.start(), end);
  }

  private static String part(TrainedRun run, List<Subject> subjects, Attribute attribute) {
    long different = subjects.stream()
        .map(subject -> answer(run, subject, attribute, VALUE))
        .distinct()
        .count();
    return different > Math.min(MOST_CLASSES, subjects.size() / 4)
        ? "first token"
        : values(subjects.getFirst().item, attribute).size() > 1 ? "first part" : VALUE;
  }

  private static Example name(Subject subject, int answer) {
    Span name = subject.item.spans()
        .stream()
        .filter(span -> span.kind() == KnowledgeKind.NAME)
        .findFirst()
        .orElseThrow();
    return new Example(Arrays.copyOf(subject.item.tokens(), name.end()),
        Map.of(name.end() - 1, new Example.Label(0, answer)));
  }

  /** A label right before each value of the text, up to that of the attribute itself. */
  private static Example text(Subject subject, Attribute attribute, int answer) {
    Map<Integer, Example.Label> labels = new LinkedHashMap<>();
    List<Attribute> seen = new ArrayList<>();
    for (Span span : subject.item.spans()) {
      if (span.kind() == KnowledgeKind.VALUE && !seen.contains(span.attribute())
          && !span.attribute().equals(Attribute.EMPLOYER_CITY)) {
        labels.put(span.start() - 1, new Example.Label(seen.size(), answer));
        seen.add(span.attribute());
        if (span.attribute().equals(attribute)) {
          break;
        }
      }
    }
    return new Example(subject.item.tokens(), labels);
  }
}
