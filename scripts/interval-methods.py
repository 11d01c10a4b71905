"""Which intervals of peaks and of the capacity law hold the truth? Planted studies, several methods (docs/laws.md).
And do intervals hold it where a learning rate was given up because a run diverged?

    python3 scripts/interval-methods.py        # needs numpy and scipy; half a minute

Each study has some models of doubling size, four or six corpora a model and a few seeds. R depends on the corpus with a flat peak
that lies off the grid; models scatter about the law by `scatter`, and seeds by about 4 %, differently in each cell. What the intervals
should hold is the greatest true R of a model over its measured corpora, and the slope of the law through those.
"""
import numpy as np
from scipy.stats import f as fisher, norm, t as student

STUDIES = 4000
BOOTSTRAPPED = 600
DRAWS = 300
rng = np.random.default_rng(1)


def shape(away):
    return np.where(away < 0, 1 / (1 + 0.15 * away**2), 1 / (1 + 0.05 * away**2))


def coverage(models, seeds, scatter, corpora=4, sharpness=1.0, noise=0.04):
    x = np.log(2.0) * np.arange(models)
    x -= x.mean()
    squares = (x**2).sum()
    quantile = student.ppf(0.975, seeds - 1)
    held = {}

    def add(name, truth):
        held.setdefault(name, []).append(truth)

    for study in range(STUDIES):
        shift = rng.uniform(-0.5, 0.5, models)
        own = rng.normal(0, scatter, models)
        deviation = noise * np.exp(rng.normal(0, 0.4, (models, corpora)))
        grid = np.arange(corpora) - (corpora - 1) / 2
        means = np.log(shape(sharpness * (grid[None] + shift[:, None])))
        truth = means.max(1)
        y = (means + own[:, None])[:, :, None] + deviation[:, :, None] * rng.normal(size=(models, corpora, seeds))
        mean, deviations = y.mean(2), y.std(2, ddof=1)
        rows, best = np.arange(models), mean.argmax(1)
        peak, error = mean[rows, best], deviations[rows, best] / np.sqrt(seeds)
        slope_truth = (x * truth).sum() / squares

        add("peak: Student's t of the best cell", abs(peak[0] - truth[0] - own[0]) < quantile * error[0])
        crossed = np.array([y[0, np.delete(y[0], s, 1).mean(1).argmax(), s] for s in range(seeds)])
        add("peak: corpus chosen by the other seeds",
            abs(crossed.mean() - truth[0] - own[0]) < quantile * crossed.std(ddof=1) / np.sqrt(seeds))

        slope = (x * peak).sum() / squares
        residual = ((peak - peak.mean() - slope * x)**2).sum() / (models - 2)
        add("gamma: residuals of models", abs(slope - slope_truth) < student.ppf(0.975, models - 2) * np.sqrt(residual / squares))
        slopes = (x[:, None] * y[rows, best]).sum(0) / squares
        add("gamma: each seed's slope", abs(slopes.mean() - slope_truth) < quantile * slopes.std(ddof=1) / np.sqrt(seeds))
        pure, degrees = (deviations**2).mean() / seeds, models * corpora * (seeds - 1)
        if residual / pure > fisher.ppf(0.75, models - 2, degrees):
            variance, used = residual, models - 2
        else:
            variance, used = ((models - 2) * residual + degrees * pure) / (models - 2 + degrees), models - 2 + degrees
        add("gamma: pooled unless scatter is seen",
            abs(slope - slope_truth) < student.ppf(0.975, used) * np.sqrt(variance / squares))

        if study < BOOTSTRAPPED:
            drawn = rng.integers(0, seeds, (DRAWS, models, corpora, seeds))
            again = np.take_along_axis(np.broadcast_to(y, (DRAWS,) + y.shape), drawn, 3).mean(3).max(2)
            low, high = np.quantile(again[:, 0], [0.025, 0.975])
            add("peak: percentile bootstrap over seeds", low < truth[0] + own[0] < high)
            low, high = np.quantile((x * again).sum(1) / squares, [0.025, 0.975])
            add("gamma: percentile bootstrap over seeds", low < slope_truth < high)
    return {name: np.mean(each) for name, each in held.items()}


designs = [dict(models=m, seeds=k, scatter=s) for m in (3, 5) for k in (3, 5) for s in (0, 0.05)]
designs += [dict(models=5, seeds=3, scatter=0.05, corpora=6, sharpness=0.3), dict(models=5, seeds=5, scatter=0, corpora=6, sharpness=0.3),
            dict(models=5, seeds=5, scatter=0.05, sharpness=2)]
for design in designs:
    print(design)
    for name, share in sorted(coverage(**design).items()):
        print(f"   {share:6.1%}  {name}")


def lost_rates(seeds, share, link, studies=200_000):
    """Intervals of arms whose greatest learning rate has lost if a run diverges with it.

    A seed's luck makes it diverge with that rate (a share of seeds) and moves its R at both rates (their correlation with luck is
    `link`). The rate is kept if all seeds go well; otherwise the lower one is measured with these seeds. The truth is the mean R of
    all seeds that go well at the rate that is used. Returns the shares of intervals that hold it: of all arms, of those that kept the
    greater rate, and of those that fell to the lower one.
    """
    luck = rng.normal(size=(studies, seeds))
    r = link * luck + np.sqrt(1 - link**2) * rng.normal(size=(2, studies, seeds))
    fell = (luck > norm.isf(share)).any(1)
    used = np.where(fell[:, None], r[1], r[0])
    truth = np.where(fell, 0, -link * norm.pdf(norm.isf(share)) / (1 - share))
    held = abs(used.mean(1) - truth) < student.ppf(0.975, seeds - 1) * used.std(1, ddof=1) / np.sqrt(seeds)
    return held.mean(), held[~fell].mean(), held[fell].mean()


print("a learning rate that diverges has lost: all arms, those that kept it, those that fell to a lower one")
for seeds in (3, 5):
    for share in (0.02, 0.1, 0.3):
        for link in (0, 0.5, 1):
            print(f"   {seeds} seeds, {share:.0%} diverge, correlation {link}: "
                  + ", ".join(f"{each:.1%}" for each in lost_rates(seeds, share, link)))
