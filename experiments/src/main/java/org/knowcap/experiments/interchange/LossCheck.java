package org.knowcap.experiments.interchange;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.knowcap.experiments.UserException;
import org.knowcap.experiments.measure.TrainedModel;
import org.knowcap.experiments.run.TrainedRun;
import org.knowcap.experiments.study.Json;
import org.knowcap.experiments.study.RunSpec;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.tokens.Gpt2;
import org.knowcap.generators.tokens.Vocabulary;
import org.knowcap.models.architecture.ModelSpec;
import org.knowcap.models.architecture.Positions;
import org.knowcap.models.checkpoint.Safetensors;
import org.knowcap.models.engine.Engine;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Parameter;
import org.knowcap.models.program.Program;

/**
 * Random prompts with the losses of Knowcap's engine, for another program to compare with. Each token has the losses
 * of several possible next tokens; these are the logits, except for one constant a token. Some texts of the corpus
 * with their tokens are added. Prompts reach every position that the model was trained on, and beyond its attention
 * window. The losses are taken twice: once of the model, and once of the model with an embedding so small that the
 * norms' epsilon matters.
 *
 * @param vocabulary V; probabilities are among these tokens
 * @param endOfText the token that separates texts
 * @param context tokens of the windows that the model was trained on
 * @param prompts [prompts * length], tokens
 * @param length tokens of a prompt
 * @param targets [drawn for each token][prompts * length]
 * @param losses -ln p of each target, in nats, shaped as the targets
 * @param smallLosses losses of the model with the small embedding, shaped alike
 * @param texts that have a single way to be encoded, with their tokens
 */
public record LossCheck(int vocabulary, int endOfText, int context, int[] prompts, int length,
    int[][] targets, float[][] losses, float[][] smallLosses, List<Text> texts) {
  /** Name of the file of prompts, targets and losses. */
  private static final String LOSSES = "check.safetensors";
  /** Name of the file of texts, and of what the model's and the tokenizer's settings should say. */
  private static final String TEXTS = "check.json";

  private static final int PROMPTS = 4;
  private static final int BEHIND_WINDOW = 16;
  private static final int TARGETS = 16;
  private static final int PEOPLE = 20;
  /** The factor of the small embedding; a power of two, so that floats are multiplied exactly. */
  private static final float SMALL = 0x1p-6f;

  /** A text and the tokens that the corpus has for it. */
  public record Text(String text, int[] tokens) {}

  /** What check.json holds. */
  private record Expected(int vocabulary, int endOfText, int context, float smallEmbedding,
      List<Text> texts) {}

  /**
   * Takes the losses of a run's model.
   *
   * @param threads that the engine may use
   * @param seed of prompts and targets
   * @throws UserException where a loss is no number
   */
  public static LossCheck of(TrainedRun run, Engine engine, int threads, long seed) {
    Vocabulary vocabulary = run.corpus().vocabulary();
    ModelSpec model = run.architecture();
    int context = run.spec().training().contextLength();
    int length = model.positions() instanceof Positions.Learned
        ? context
        : Math.max(context, model.attentionWindow().map(window -> window + BEHIND_WINDOW).orElse(0));
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    int[] prompts = random.ints(PROMPTS * length, 0, vocabulary.size()).toArray();
    int[][] targets = new int[TARGETS][];
    Arrays.setAll(targets, _ -> random.ints(PROMPTS * length, 0, vocabulary.size()).toArray());
    Program program = Program.scoring(model, RunSpec.ids(run.corpus()), PROMPTS, length);
    float[] small = run.parameters().clone();
    for (Parameter parameter : program.parameters()) {
      if (List.of("embedding", "positions").contains(parameter.tensor().name())) {
        int offset = Math.toIntExact(parameter.offset());
        for (int i = offset; i < offset + parameter.tensor().size(); i++) {
          small[i] *= SMALL;
        }
      }
    }
    try (Session session = engine.compile(program, new Execution(threads, Precision.FP32))) {
      return new LossCheck(vocabulary.size(), vocabulary.eos(), context, prompts, length, targets,
          losses(session, run.parameters(), prompts, targets, run.file()),
          losses(session, small, prompts, targets, run.file()), texts(run));
    }
  }

  private static float[][] losses(Session session, float[] parameters, int[] prompts, int[][] targets,
      Path origin) {
    session.load(Map.of(Session.PARAMETERS, parameters));
    float[][] losses = new float[targets.length][prompts.length];
    for (int draw = 0; draw < targets.length; draw++) {
      session.losses(prompts, targets[draw], losses[draw]);
      TrainedModel.requireNumbers(losses[draw], origin);
    }
    return losses;
  }

  /** Texts of people, without those that GPT-2 would encode in another way than the corpus does. */
  private static List<Text> texts(TrainedRun run) {
    Vocabulary vocabulary = run.corpus().vocabulary();
    List<Text> texts = new ArrayList<>();
    for (long person = 0; person < Math.min(PEOPLE, run.corpus().measured().people()); person++) {
      AnnotatedItem item = run.corpus().measured().measuringItem(person, person);
      int[] tokens = Arrays.stream(item.tokens()).filter(token -> token < vocabulary.eos()).toArray();
      String text = vocabulary.decode(tokens, 0, tokens.length);
      int[] gpt2 = Arrays.stream(tokens).map(token -> vocabulary.gpt2Ids()[token]).toArray();
      if (Arrays.equals(gpt2, Gpt2.encode(text))) {
        texts.add(new Text(text, tokens));
      }
    }
    return texts;
  }

  void write(Path folder) throws IOException {
    int prompt = prompts.length / length;
    Map<String, Safetensors.Array> tensors = new LinkedHashMap<>();
    tensors.put("prompts", new Safetensors.Array(new long[]{prompt, length}, floats(prompts), 0));
    for (int draw = 0; draw < targets.length; draw++) {
      tensors.put("targets." + draw,
          new Safetensors.Array(new long[]{prompt, length}, floats(targets[draw]), 0));
      tensors.put("losses." + draw, new Safetensors.Array(new long[]{prompt, length}, losses[draw], 0));
      tensors.put("small_losses." + draw,
          new Safetensors.Array(new long[]{prompt, length}, smallLosses[draw], 0));
    }
    new Safetensors(Map.of(), tensors).write(folder.resolve(LOSSES));
    Files.writeString(folder.resolve(TEXTS),
        Json.MAPPER.writeValueAsString(new Expected(vocabulary, endOfText, context, SMALL, texts)) + "\n");
  }

  private static float[] floats(int[] ids) {
    float[] floats = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      floats[i] = ids[i];
    }
    return floats;
  }
}
