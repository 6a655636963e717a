"""Intervals, tests and sizes for rates, by statsmodels and scipy: the only file that imports statsmodels.

Two kinds of rates: a proportion (clicks of impressions) and a rate over exposure (conversions for money). Counts may be
fractions: platforms split conversions between ads, and counts are shared out where ads of one arm scatter more than
chance does (`analysis`). Knows no arms and no files.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flows.model import BadInput, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

Interval = tuple[float, float]


def require_statistics() -> None:
    """Raise BadInput where the extra is not installed."""
    missing = [name for name in ("scipy", "statsmodels") if find_spec(name) is None]
    if missing:
        message = (
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed, which do the statistics"
        )
        fix = "pip install 'spotmill[experiment]' (about 180 MB)"
        raise BadInput((Problem("spotmill experiment", None, None, "not_available", "", message, fix),))


@dataclass(frozen=True, slots=True)
class Sample:
    """Events, and the trials or the exposure that they came from."""

    events: float
    out_of: float

    @property
    def rate(self) -> float:
        """Events for each trial; 0 without any."""
        return self.events / self.out_of if self.out_of > 0 else 0.0


def rate_interval(kind: str, sample: Sample, alpha: float) -> Interval:
    """Where the rate of one arm lies: Wilson for proportions, score for rates."""
    if kind == "proportion":
        from statsmodels.stats.proportion import proportion_confint

        low, high = proportion_confint(sample.events, sample.out_of, alpha=alpha, method="wilson")
    else:
        from statsmodels.stats.rates import confint_poisson

        low, high = confint_poisson(sample.events, sample.out_of, method="score", alpha=alpha)
    return float(low), float(high)


def difference_interval(kind: str, one: Sample, reference: Sample, alpha: float) -> Interval:
    """Where the difference of two rates lies: Newcombe for proportions, MOVER of score intervals for rates."""
    if kind == "proportion":
        from statsmodels.stats.proportion import confint_proportions_2indep

        low, high = confint_proportions_2indep(
            one.events, one.out_of, reference.events, reference.out_of, compare="diff", method="newcomb", alpha=alpha
        )
    else:
        from statsmodels.stats.rates import confint_poisson_2indep

        low, high = confint_poisson_2indep(
            one.events, one.out_of, reference.events, reference.out_of, compare="diff", method="mover", alpha=alpha
        )
    return float(low), float(high)


def ratio_interval(kind: str, one: Sample, reference: Sample, alpha: float) -> Interval:
    """Where the ratio of two rates lies; anywhere, where one of them has no event."""
    if not one.events or not reference.events:
        return 0.0, math.inf
    if kind == "proportion":
        from statsmodels.stats.proportion import confint_proportions_2indep

        low, high = confint_proportions_2indep(
            one.events, one.out_of, reference.events, reference.out_of, compare="ratio", method="log", alpha=alpha
        )
    else:
        from statsmodels.stats.rates import confint_poisson_2indep

        low, high = confint_poisson_2indep(
            one.events, one.out_of, reference.events, reference.out_of, compare="ratio", method="wald-log", alpha=alpha
        )
    return float(low), float(high)


def p_value(kind: str, one: Sample, reference: Sample) -> float:
    """The score test that two rates are equal, for one look only."""
    if kind == "proportion":
        from statsmodels.stats.proportion import proportions_ztest

        pair = [one.events, reference.events], [one.out_of, reference.out_of]
        return float(proportions_ztest(*pair)[1]) if 0 < sum(pair[0]) < sum(pair[1]) else 1.0
    from statsmodels.stats.rates import test_poisson_2indep

    if not reference.events:  # the test has no place for that, and is the same from both sides
        one, reference = reference, one
    if not reference.events:
        return 1.0
    return float(test_poisson_2indep(one.events, one.out_of, reference.events, reference.out_of, method="score").pvalue)


def z_and_information(kind: str, one: Sample, reference: Sample) -> tuple[float, float]:
    """The score statistic, and what is known of the logarithm of the ratio (1 / variance), both under no difference."""
    pooled = (one.events + reference.events) / (one.out_of + reference.out_of)
    spread = pooled * (1 - pooled) if kind == "proportion" else pooled
    parts = 1 / one.out_of + 1 / reference.out_of
    if spread <= 0:
        return 0.0, 0.0
    return (one.rate - reference.rate) / math.sqrt(spread * parts), pooled * pooled / (spread * parts)


def quantile(alpha: float) -> float:
    """Standard errors beyond which alpha lies, on both sides together."""
    from scipy.stats import norm

    return float(norm.isf(alpha / 2))


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """p values corrected for their number, by Holm."""
    if not values:
        return ()
    from statsmodels.stats.multitest import multipletests

    return tuple(float(value) for value in multipletests(values, method="holm")[1])


def mismatch(observed: Mapping[str, float], shares: Mapping[str, float]) -> float:
    """The chi-square test that what was observed came in these shares; 1 where there is nothing to compare."""
    from scipy.stats import chisquare

    names = [name for name in observed if shares.get(name, 0) > 0]
    total, whole = sum(observed[name] for name in names), sum(shares[name] for name in names)
    if len(names) < 2 or total <= 0:
        return 1.0
    expected = [total * shares[name] / whole for name in names]
    return float(chisquare([observed[name] for name in names], expected).pvalue)


@dataclass(frozen=True, slots=True)
class Fit:
    """A generalised linear model: logarithms of odds ratios or rate ratios, and how far cells scatter beyond chance."""

    #: By column of the design, without the blocks: estimate, standard error, p value.
    effects: tuple[tuple[float, float, float], ...]
    #: Pearson's chi-square for each degree of freedom.
    dispersion: float
    freedom: int


def fit(kind: str, events: Sequence[float], out_of: Sequence[float], design: NDArray[Any], tested: int) -> Fit | None:
    """Fit cells by logistic or Poisson regression; the first `tested` columns are reported, the others are blocks.

    Standard errors grow with the scatter between cells (quasi-likelihood), and never shrink below chance's. None where
    the cells do not determine the model.
    """
    import numpy as np
    from statsmodels.genmod.families import Binomial, Poisson
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    counts, sizes = np.asarray(events, float), np.asarray(out_of, float)
    freedom = len(counts) - int(np.linalg.matrix_rank(design))
    if int(np.linalg.matrix_rank(design)) < design.shape[1] or counts.sum() <= 0:
        return None
    model = (
        GLM(np.column_stack([counts, sizes - counts]), design, family=Binomial())
        if kind == "proportion"
        else GLM(counts, design, family=Poisson(), exposure=sizes)
    )
    try:
        # A model with as many parameters as cells fits them perfectly, of which statsmodels warns; its errors stand.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = model.fit(maxiter=100)
    except (PerfectSeparationError, np.linalg.LinAlgError, ValueError):
        return None
    dispersion = float(found.pearson_chi2) / freedom if freedom > 0 else 1.0
    return Fit(_effects(found, max(1.0, dispersion), tested), dispersion, freedom)


def _effects(found: Any, dispersion: float, tested: int) -> tuple[tuple[float, float, float], ...]:
    from scipy.stats import norm

    widened = math.sqrt(dispersion)
    pairs = [(float(found.params[place]), float(found.bse[place]) * widened) for place in range(tested)]
    return tuple((value, error, float(2 * norm.sf(abs(value) / error))) for value, error in pairs if error > 0)


def sample_size(kind: str, baseline: float, lift: float, alpha: float, power: float) -> float:
    """Trials, or exposure, for each of two arms, for a test at one look (both sides)."""
    from scipy.stats import norm

    if kind == "proportion":
        from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

        # "one tail" is about which tail gives the power; alpha is for both sides.
        return float(
            samplesize_proportions_2indep_onetail(
                baseline * lift, baseline, power, ratio=1, alpha=alpha, alternative="two-sided"
            )
        )
    from scipy.optimize import brentq
    from statsmodels.stats.rates import power_poisson_ratio_2indep

    def short(exposure: float) -> float:
        found = power_poisson_ratio_2indep(
            baseline * (1 + lift),
            baseline,
            nobs1=1,
            exposure=exposure,
            value=1,
            alpha=alpha,
            alternative="two-sided",
            return_results=False,
        )
        return float(found) - power

    guess = 2 * ((norm.isf(alpha / 2) + norm.isf(1 - power)) / math.log1p(lift)) ** 2 / baseline
    return float(brentq(short, guess / 50, guess * 50))
