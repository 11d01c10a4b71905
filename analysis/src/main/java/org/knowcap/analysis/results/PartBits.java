package org.knowcap.analysis.results;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.knowcap.analysis.capacity.Knowledge;

/**
 * The bits of one run by part of the knowledge. A part that a corpus does not have is absent. In tables of earlier
 * versions all parts are absent.
 *
 * @param nameTotalBits bits of the names: N log2(N0 / N)
 * @param nameStoredBits bits of the names that the model stores
 * @param nameStoredBitsStandardError bits
 * @param valueTotalBits bits of the values
 * @param valueStoredBits bits of the values that the model stores
 * @param valueStoredBitsStandardError bits
 * @param diversityTotalBits of bioD: bits of the choice of D strings for each attribute
 * @param diversityStoredBits of bioD: bits of that choice that the model stores
 * @param diversityStoredBitsStandardError bits
 * @param diversityLossNats of bioD: p3, nats, the loss of a value's first chunk, mean over people
 * @param diversityLossStandardError nats
 */
public record PartBits(OptionalDouble nameTotalBits, OptionalDouble nameStoredBits,
    OptionalDouble nameStoredBitsStandardError, OptionalDouble valueTotalBits, OptionalDouble valueStoredBits,
    OptionalDouble valueStoredBitsStandardError, OptionalDouble diversityTotalBits,
    OptionalDouble diversityStoredBits, OptionalDouble diversityStoredBitsStandardError,
    OptionalDouble diversityLossNats, OptionalDouble diversityLossStandardError) {
  /** The bits of a run of which only the sum is known. */
  public static final PartBits UNKNOWN = of(List.of());

  public PartBits {
    check("name", nameTotalBits, nameStoredBits, nameStoredBitsStandardError);
    check("value", valueTotalBits, valueStoredBits, valueStoredBitsStandardError);
    check("diversity", diversityTotalBits, diversityStoredBits, diversityStoredBitsStandardError);
    diversityLossNats.ifPresent(loss -> RunResult.atLeastZero("diversity_loss_nats", loss));
    diversityLossStandardError
        .ifPresent(error -> RunResult.atLeastZero("diversity_loss_standard_error", error));
  }

  private static void check(String part, OptionalDouble total, OptionalDouble stored, OptionalDouble error) {
    String totalBits = part + "_total_bits";
    String storedBits = part + "_stored_bits";
    total.ifPresent(bits -> RunResult.atLeastZero(totalBits, bits));
    error.ifPresent(bits -> RunResult.atLeastZero(storedBits + "_standard_error", bits));
    stored.ifPresent(bits -> RunResult.storedOf(storedBits, bits, totalBits,
        total.orElse(Double.POSITIVE_INFINITY), error.orElse(0)));
  }

  /** Bits of the values that the model stores, those of the choice of their strings included. */
  public OptionalDouble knownValueBits() {
    return valueStoredBits.isPresent() && diversityStoredBits.isPresent()
        ? OptionalDouble.of(valueStoredBits.getAsDouble() + diversityStoredBits.getAsDouble())
        : valueStoredBits;
  }

  /** The bits of parts by their names; parts with other names are ignored. */
  public static PartBits of(List<Knowledge> parts) {
    Part names = new Part(parts, "names");
    Part values = new Part(parts, "values");
    Part diversity = new Part(parts, "diversity");
    return new PartBits(names.get(Knowledge::totalBits), names.get(Knowledge::storedBits),
        names.get(Knowledge::storedBitsStandardError), values.get(Knowledge::totalBits),
        values.get(Knowledge::storedBits), values.get(Knowledge::storedBitsStandardError),
        diversity.get(Knowledge::totalBits), diversity.get(Knowledge::storedBits),
        diversity.get(Knowledge::storedBitsStandardError), diversity.get(Knowledge::lossNats),
        diversity.get(Knowledge::lossStandardError));
  }

  private record Part(Optional<Knowledge> knowledge) {
    Part(List<Knowledge> parts, String name) {
      this(parts.stream().filter(part -> part.name().equals(name)).findFirst());
    }

    OptionalDouble get(ToDoubleFunction<Knowledge> figure) {
      return knowledge.map(part -> OptionalDouble.of(figure.applyAsDouble(part)))
          .orElse(OptionalDouble.empty());
    }
  }
}
