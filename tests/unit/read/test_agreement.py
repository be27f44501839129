"""Kappas and Fisher's test against published examples and scipy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clustergate.read.agreement import cohen_kappa, fleiss_kappa, more_often, phi

counts = st.integers(0, 40)


def test_cohen_by_the_textbook() -> None:
    """The example of two readers of 50 grant proposals: 20 yes-yes, 5, 10, 15 no-no give kappa 0.4."""
    assert cohen_kappa(20, 5, 10, 15) == pytest.approx(0.4)


@pytest.mark.parametrize(("table", "expected"), [((9, 0, 0, 4), 1.0), ((0, 5, 5, 0), -1.0), ((25, 25, 25, 25), 0.0)])
def test_cohen_at_its_ends(table: tuple[int, int, int, int], expected: float) -> None:
    """All agree, none agrees, and just as often as chance."""
    assert cohen_kappa(*table) == pytest.approx(expected)


@pytest.mark.parametrize("table", [(0, 0, 0, 0), (7, 0, 0, 0), (0, 0, 0, 7)])
def test_cohen_where_nothing_can_be_told(table: tuple[int, int, int, int]) -> None:
    """Without labels, or where both always say the same one thing, there is no kappa."""
    assert cohen_kappa(*table) is None


@given(both=counts, first=counts, second=counts, neither=counts)
def test_phi_is_the_root_of_chi_square_over_n(both: int, first: int, second: int, neither: int) -> None:
    """In size scipy's chi-square without correction over n, its root, and its sign is that of the diagonals."""
    found = phi(both, first, second, neither)
    if 0 in (both + first, both + second, first + neither, second + neither):
        assert found is None
        return
    chi = stats.chi2_contingency([[both, first], [second, neither]], correction=False).statistic
    assert found == pytest.approx(math.copysign(math.sqrt(chi / (both + first + second + neither)), found or 0.0))
    assert (found > 0) == (both * neither > first * second)


FLEISS = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip


def test_fleiss_by_his_own_example() -> None:
    """Fleiss (1971): 14 psychiatrists, 10 patients, 5 diagnoses, as it is worked out in many places: 0.210."""
    pairs = sum(n * (n - 1) for row in FLEISS for n in row)
    votes = {str(column): sum(row[column] for row in FLEISS) for column in range(5)}
    assert fleiss_kappa(10, 14, pairs, votes) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_where_nothing_can_be_told() -> None:
    """No replies, one judge, or one and the same verdict throughout."""
    assert fleiss_kappa(0, 3, 0, {}) is None
    assert fleiss_kappa(5, 1, 0, {"absent": 5}) is None
    assert fleiss_kappa(5, 3, 30, {"absent": 15}) is None


@given(hits=counts, misses=counts, other_hits=counts, other_misses=counts)
def test_more_often_is_fishers_test(hits: int, misses: int, other_hits: int, other_misses: int) -> None:
    """The one-sided p-value is scipy's."""
    found = more_often(hits, hits + misses, other_hits, other_hits + other_misses)
    if hits + misses == 0 or other_hits + other_misses == 0:
        assert found == 1.0
    else:
        table = [[hits, misses], [other_hits, other_misses]]
        assert found == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue, rel=1e-7)
