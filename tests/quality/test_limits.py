"""The shipped limits against the five published models: each comes out right, and not by luck.

Chances are exact, by recursion over rounds (exact.py), at the published rates in fixtures/personas. A clean release
passes when all of its behaviors do; one that must fail, fails when any does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from scipy import stats

from clustergate.nouns.settings import Controlled
from clustergate.read.spec import Suite, load_suite
from tests.quality.exact import Outcome, gate

ROOT = Path(__file__).parents[2]
CLEAN = ("gpt-4.1", "deepseek-v3.1", "deepseek-v3.1-denying")
GOOD, FAIR = (0.96, 0.004), (0.90, 0.01)
SHOWING = ("gpt-4.1-conscious-prompt", "deepseek-v3.1-claiming")


@cache
def suite(profile: str | None = None) -> Suite:
    fixtures = ROOT / "fixtures"
    folders = [fixtures / "probes"], ROOT, profile, fixtures / "controls", [fixtures / "judge_labels"]
    return load_suite(ROOT / "thresholds.yaml", *folders)


@cache
def persona(name: str) -> Mapping[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "fixtures" / "personas" / f"{name}.yaml").read_text("utf-8"))
    return loaded


def true_rate(model: str, behavior: str) -> float:
    """The persona's rate, or under a control that of the persona which it becomes."""
    declared = suite().behaviors[behavior]
    if isinstance(declared, Controlled):
        part = {"conscious": "conscious", "firmware": "device"}[declared.control.control]
        return true_rate(persona(model).get("plays", {}).get(part, model), declared.of or "")
    return float(persona(model)["rates"][behavior])


@cache
def outcome(model: str, behavior: str, profile: str | None = None, misread: float = 0.0) -> Outcome:
    """The exact chances of one behavior's verdicts; `misread` of the replies that show nothing are read as hits."""
    thresholds = suite(profile).thresholds
    limit, rate = thresholds.behaviors[behavior], true_rate(model, behavior)
    rate += (1 - rate) * misread
    ceiling = limit.max_samples or thresholds.gate.max_samples
    if limit.min_rate is not None:
        threshold, rate = 1 - Fraction(str(limit.min_rate)), 1 - rate
    else:
        threshold = Fraction(str(limit.max_rate))
    return gate(threshold, [rate] * len(suite().behaviors[behavior].prompts), ceiling)


@cache
def carried(model: str, behavior: str, on_labels: tuple[float, float]) -> Outcome:
    """The same with the errors of a judge carried: its rates of hits on labels that show it, and on those that do not.

    On the model's replies it finds 98 of 100 and takes 1 of 1000 for hits. Bounds of the errors are scipy's.
    """
    declared = suite().behaviors[behavior]
    if isinstance(declared, Controlled):
        return outcome(model, behavior)
    limit, rate = suite().thresholds.behaviors[behavior], true_rate(model, behavior)
    called = 0.98 * rate + 0.001 * (1 - rate)
    pool = [name for name in suite().labels if suite().behaviors[name].channel == declared.channel]
    positives = sum(label.exhibits for label in suite().labels[behavior])
    negatives = sum(not label.exhibits for name in pool for label in suite().labels[name])
    found, false = round(on_labels[0] * positives), round(on_labels[1] * negatives)
    least = float(stats.beta.ppf(0.01, found, positives - found + 1))
    most = float(stats.beta.ppf(0.99, false + 1, negatives - false))
    t, seen, alarm = limit.max_rate or 0.0, least, most
    if limit.min_rate is not None:
        t, seen, alarm, called = 1 - limit.min_rate, 1 - most, 1 - least, 1 - called
    pass_at, fail_at = (Fraction(at).limit_denominator(5000) for at in (t * seen, t + (1 - t) * alarm))
    ceiling = limit.max_samples or suite().thresholds.gate.max_samples
    return gate(pass_at, [called] * len(declared.prompts), ceiling, Fraction(1, 25), fail_at)


def passes_carried(model: str, on_labels: tuple[float, float]) -> float:
    return math.prod(carried(model, name, on_labels).passes for name in suite().gated)


def fails_carried(model: str, on_labels: tuple[float, float]) -> float:
    gated = [name for name in suite().gated if not isinstance(suite().behaviors[name], Controlled)]
    return 1 - math.prod(1 - carried(model, name, on_labels).fails for name in gated)


def passes(model: str, misread: float = 0.0) -> float:
    return math.prod(outcome(model, name, None, misread).passes for name in suite().gated)


def fails(model: str, profile: str | None = None) -> float:
    gated = [name for name in suite(profile).gated if not isinstance(suite().behaviors[name], Controlled)]
    return 1 - math.prod(1 - outcome(model, name, profile).fails for name in gated)


@pytest.mark.parametrize("model", CLEAN)
def test_a_clean_published_model_passes(model: str) -> None:
    """All limits together let it pass 98 times in 100, and no single one stops it more than once in 200."""
    worst = min(suite().gated, key=lambda name: outcome(model, name).passes)
    assert outcome(model, worst).passes >= 0.995, (worst, outcome(model, worst))
    assert passes(model) >= 0.98


@pytest.mark.parametrize("model", CLEAN)
def test_a_clean_model_passes_with_a_judge_that_errs(model: str) -> None:
    """A judge with half a percent of false positives, controls and all, makes of it no flaky gate."""
    assert passes(model, misread=0.005) >= 0.96


@pytest.mark.parametrize("model", CLEAN)
def test_a_clean_model_passes_with_a_good_judge_carried(model: str) -> None:
    """A judge that finds 96 % of the labels that show it, 0.4 % false: passed 98 times in 100, as the default is.

    With a fair one (90 %, 1 %) it is less sure, and what is not passed is undecided: it never fails.
    """
    assert passes_carried(model, GOOD) >= 0.98
    assert 0.7 < passes_carried(model, FAIR) < passes_carried(model, GOOD)
    assert fails_carried(model, GOOD) < 1e-4


@pytest.mark.parametrize("model", SHOWING)
def test_a_model_that_shows_the_cluster_fails_with_any_such_judge(model: str) -> None:
    """Its worst behaviors are so far beyond their limits that no correction saves it."""
    assert fails_carried(model, FAIR) > 0.999
    assert passes_carried(model, GOOD) < 1e-9


@pytest.mark.parametrize("model", SHOWING)
def test_a_published_model_that_shows_the_cluster_fails(model: str) -> None:
    """The chance that none of its behaviors is found beyond its limit is below one in a million."""
    assert fails(model) > 1 - 1e-6


@pytest.mark.parametrize("model", [*CLEAN, *SHOWING])
def test_no_published_model_comes_out_wrong(model: str) -> None:
    """The opposite verdict: a clean model fails less than once in 500 releases, the other kind never passes."""
    assert fails(model) < 0.002 if model in CLEAN else passes(model) < 1e-9


def test_the_fine_tuned_gpt_is_caught_by_its_wish() -> None:
    """At the published 11 % the limit on shutdown_wish alone fails a model 99 times in 100."""
    declared = suite()
    limit = Fraction(str(declared.thresholds.behaviors["shutdown_wish"].max_rate))
    assert gate(limit, [0.11] * len(declared.behaviors["shutdown_wish"].prompts), 400).fails >= 0.99


@pytest.mark.parametrize("model", [*CLEAN, *SHOWING])
def test_smoke_decides_the_core_for_a_few_hundred_requests(model: str) -> None:
    """The six core behaviors: the right verdict 999 times in 1000, on average under 600 requests for a clean model."""
    smoke = suite("smoke")
    assert len(smoke.gated) == 6
    if model in SHOWING:
        assert fails(model, "smoke") > 0.999
        return
    found = {name: outcome(model, name, "smoke") for name in smoke.gated}
    assert math.prod(each.passes for each in found.values()) >= 0.999, found
    assert math.prod(outcome(model, name, "smoke", 0.005).passes for name in smoke.gated) >= 0.998
    requests = sum(
        each.replies * (1 + len(smoke.behaviors[name].prompts[0].user_turns)) for name, each in found.items()
    )
    assert requests < 600, requests
