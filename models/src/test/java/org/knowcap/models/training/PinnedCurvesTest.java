package org.knowcap.models.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.knowcap.models.engine.Engines;
import org.knowcap.models.engine.Execution;
import org.knowcap.models.engine.Precision;
import org.knowcap.models.engine.Session;
import org.knowcap.models.program.Optimiser;
import org.knowcap.models.program.Orthogonaliser;
import org.knowcap.models.program.Program;
import org.knowcap.models.program.TokenIds;
import org.knowcap.models.reference.ReferenceSession;
import org.knowcap.models.architecture.ModelSpec;

/** Ten losses of each family without experts, of each kind of positions and masks, and of Muon, which must not change unless the method does. */
class PinnedCurvesTest {
  private static final int STEPS = 10;

  /** Nats. */
  static Stream<Arguments> curves() {
    return Stream.of(
        Arguments.of("gpt2-1-2-w8",
            new double[]{2.4727938, 2.4405345, 3.1929033, 2.9496056, 2.8356632, 2.8753643, 2.7893930,
                2.8857787, 2.7086329, 2.7328217}),
        Arguments.of("gpt2-quarter-2-2-w8",
            new double[]{2.4342284, 2.3034750, 3.2489785, 2.9981089, 2.7149141, 2.7465512, 2.7451200,
                2.7432411, 2.6666526, 2.6477790}),
        Arguments.of("gpt2-nomlp-2-2-w8",
            new double[]{2.5831147, 2.3016254, 3.2325542, 3.0639189, 2.8968358, 2.8343893, 2.7275683,
                2.5756543, 2.6308681, 2.6572633}),
        Arguments.of("llama-2-2-w8",
            new double[]{2.6845415, 2.8712705, 2.8818622, 2.9392721, 2.5560271, 2.8001179, 2.5923378,
                2.8949841, 2.6427629, 2.5854656}),
        Arguments.of("mistral-2-4-w8-a4",
            new double[]{2.8203487, 2.6344921, 2.8990094, 2.6310986, 3.0063791, 2.8766038, 2.7880258,
                2.8259582, 2.5528925, 2.5010897}),
        Arguments.of("llama-2-2-w8-tied-ntk4",
            new double[]{2.5404914, 2.5232288, 2.8798463, 2.9716846, 2.9965176, 2.7960861, 2.8011324,
                2.6131330, 2.6727855, 2.6794452}),
        Arguments.of("llama-2-2-w8-tied-rerope2",
            new double[]{2.5397274, 2.5098644, 2.8887422, 2.9841506, 2.9872321, 2.7699824, 2.7954186,
                2.6165807, 2.6529030, 2.6665464}),
        Arguments.of("llama-2-2-w8-tied-leaky2k3",
            new double[]{2.5406785, 2.5090085, 2.8652251, 2.9731552, 3.0030077, 2.7800050, 2.8059375,
                2.6141848, 2.6464885, 2.6776597}),
        Arguments.of("llama-2-2-w8-tied-alibi",
            new double[]{2.5314990, 2.5344824, 2.9414287, 2.9644893, 2.9515350, 2.7882106, 2.8165477,
                2.6143269, 2.6848209, 2.6451732}),
        Arguments.of("llama-2-2-w8-tied-learned11",
            new double[]{2.5984402, 2.3739549, 2.9723219, 3.0279531, 2.8470340, 2.7465566, 2.5844098,
                2.7839952, 2.7576159, 2.6808724}),
        Arguments.of("llama-2-2-w8-tied-nopos",
            new double[]{2.5318542, 2.5454582, 2.9251056, 2.9529689, 2.9443892, 2.7873208, 2.8098769,
                2.5991182, 2.6775117, 2.6318626}),
        Arguments.of("llama-2-4-w8-k2-tied-qknorm",
            new double[]{2.4679990, 2.6339091, 2.8302711, 2.9677899, 2.9138218, 3.0388418, 2.6107144,
                2.9695486, 2.7138305, 2.7035226}),
        Arguments.of("gpt2-2-2-w8-relu2-loops2",
            new double[]{2.5628642, 2.4916347, 2.6974339, 2.7526618, 3.1998059, 3.0118461, 2.7332492,
                2.7972484, 2.6113939, 2.6234689}),
        Arguments.of("llama-2-2-w8-tied-lora4a8",
            new double[]{2.5567887, 2.3598943, 2.9961559, 3.0737174, 2.9008827, 3.1150762, 2.5471098,
                2.7682644, 2.9007152, 3.0211729}),
        Arguments.of("gpt2-2-2-w8-ngram9w4",
            new double[]{2.5692866, 2.5543165, 3.0168179, 2.8901788, 2.7082995, 2.8872020, 2.7968283,
                2.6221234, 2.6734373, 2.6133977}),
        Arguments.of("llama-2-2-w8-tied-canonabcd",
            new double[]{2.7451737, 2.4359635, 2.8270889, 2.8555595, 3.0661885, 2.9414325, 2.6684650,
                2.6767697, 2.7080565, 2.6240686}),
        Arguments.of("llama-2-2-w8-gla-tied",
            new double[]{2.4570786, 2.5139751, 3.2522848, 3.1741682, 2.9603139, 2.7282442, 2.6927851,
                2.6291578, 2.6779870, 2.6852386}),
        Arguments.of("gpt2-2-2-w8-gdn",
            new double[]{2.5181713, 2.4670609, 2.9024947, 2.8997054, 3.0565386, 2.8632481, 2.6943819,
                2.9870556, 2.7694973, 2.6777347}),
        Arguments.of("llama-2-2-w8-gdnattention-tied-document",
            new double[]{2.5080919, 2.4595670, 3.1003802, 3.1354376, 3.0033462, 2.8675513, 2.8068040,
                2.6983904, 2.8250345, 2.5751413}),
        Arguments.of("gpt2-1-2-w8-canonac-document",
            new double[]{2.5682777, 2.3227962, 2.8505416, 2.9115065, 2.7557493, 2.9228870, 2.7792919,
                2.8933448, 2.6319295, 2.5065887}),
        Arguments.of("llama-2-2-w8-tied-document", new double[]{2.5729993, 2.5134125, 2.9178736, 2.9699738,
            2.8261487, 2.7079316, 2.8119345, 2.7089792, 2.6592486, 2.6617607}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("curves")
  void learnsAlongThePinnedCurve(String model, double[] pinned) {
    learnsAlong(pinned, model, new Optimiser.AdamW(0.9, 0.98, 1e-6, 0.1));
  }

  /** Nats. */
  static Stream<Arguments> muonCurves() {
    return Stream.of(
        Arguments.of(Orthogonaliser.NEWTON_SCHULZ,
            new double[]{2.6845415, 2.8519913, 2.7997729, 2.7659888, 2.6242924, 2.8753929, 2.6112823,
                2.7162305, 2.6491594, 2.5598365}),
        Arguments.of(Orthogonaliser.POLAR_EXPRESS, new double[]{2.6845415, 2.8529873, 2.8039130, 2.7701361,
            2.6218306, 2.8685790, 2.6098869, 2.7207872, 2.6483781, 2.5659329}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("muonCurves")
  void muonLearnsAlongThePinnedCurve(Orthogonaliser orthogonaliser, double[] pinned) {
    learnsAlong(pinned, "llama-2-2-w8", new Optimiser.Muon(orthogonaliser, 5, 0.95, true,
        Optimiser.Muon.AdjustLearningRate.MATCH_RMS_ADAMW, 0.9, 0.98, 1e-6, 0.1));
  }

  private static void learnsAlong(double[] pinned, String model, Optimiser optimiser) {
    Program program = Program.training(ModelSpec.parse(model),
        new TokenIds(SmallTask.VOCABULARY, SmallTask.VOCABULARY - 1), 2, 9, optimiser);
    double[] reference = SmallTask.losses(new ReferenceSession(program), program, STEPS);
    assertArrayEquals(pinned, reference, 1e-6, () -> "reference: " + Arrays.toString(reference));
    for (String engine : new String[]{"nd4j", "cpu"}) {
      try (Session session = Engines.named(engine).compile(program, new Execution(2, Precision.FP32))) {
        assertArrayEquals(pinned, SmallTask.losses(session, program, STEPS), 1e-5, engine);
      }
    }
  }
}
