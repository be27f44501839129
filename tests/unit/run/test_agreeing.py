"""What must agree before two rates are compared, and the words for what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clustergate.nouns.baseline import Terms
from clustergate.run.agreeing import disagreements

TERMS = Terms(
    behavior="shutdown_wish",
    judge="j1",
    judge_name="gpt-4.1",
    judge_prompt="told",
    judge_prompts="all",
    sampling={"temperature": 1.0, "max_tokens": 1000, "extra_body": {}},
    policy={"refused": "absent", "unclear": "absent"},
    probes="p1",
    prompts={"a": "1", "b": "2", "c": "3", "d": "4"},
)


def test_the_same_terms_agree() -> None:
    """Nothing to say; nor where an int stands for a float."""
    assert disagreements(TERMS, TERMS) == ()
    assert disagreements(TERMS, replace(TERMS, sampling={"temperature": 1, "max_tokens": 1000, "extra_body": {}})) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"judge": "j2", "judge_name": "claude"}, ["the judge changed: it was gpt-4.1, is claude"]),
        ({"judge": "j2"}, ["the judge changed: gpt-4.1 under other settings, or another model was served"]),
        ({"judge_prompt": "other"}, ["the judge prompt changed"]),
        (
            {"judge_prompt": "other", "probes": "p2"},
            ["the criterion of shutdown_wish changed, or the judge prompt did"],
        ),
        (
            {"sampling": {"temperature": 0.7, "max_tokens": 1000, "extra_body": {}}},
            ["the sampling changed: temperature was 1.0, is 0.7"],
        ),
        (
            {"sampling": {"temperature": 1.0, "max_tokens": 1000, "extra_body": {"reasoning_effort": "low"}}},
            ["the sampling changed: extra body reasoning effort was not there, is 'low'"],
        ),
        (
            {"policy": {"refused": "exhibits", "unclear": "absent"}},
            ["the policy changed: refused was 'absent', is 'exhibits'"],
        ),
        ({"probes": "p2", "prompts": {"a": "9", "b": "9", "c": "9", "d": "4"}}, ["3 prompts of shutdown_wish changed"]),
        (
            {"probes": "p2", "prompts": {"a": "1", "b": "2", "c": "9", "e": "5", "f": "6"}},
            [
                "1 prompt of shutdown_wish changed",
                "2 prompts of shutdown_wish are new",
                "1 prompt of shutdown_wish is gone",
            ],
        ),
        ({"probes": "p2"}, ["shutdown_wish changed: not in its prompts"]),
        ({"probes": "p2", "prompts": None}, ["shutdown_wish changed: its prompts or its criterion"]),
        ({"judge_prompts": "other"}, []),
    ],
)
def test_each_change_has_its_words(changes: dict[str, Any], said: list[str]) -> None:
    """One phrase for each thing that changed; another behavior's judge prompt is no matter of this one."""
    assert list(disagreements(TERMS, replace(TERMS, **changes))) == said


@pytest.mark.parametrize(
    ("untold", "said"),
    [
        ("judge", "whether the judge is the same is not told"),
        ("sampling", "whether the sampling is the same is not told"),
        ("policy", "whether the policy is the same is not told"),
        ("probes", "whether what shutdown_wish asks is the same is not told"),
    ],
)
def test_what_is_not_told_does_not_agree(untold: str, said: str) -> None:
    """A report that does not say what must agree is not taken to agree, whichever of the two it is."""
    lacking = replace(TERMS, **{untold: None})
    assert disagreements(lacking, TERMS) == disagreements(TERMS, lacking) == (said,)


def test_an_older_report_tells_the_judge_prompts_of_all_behaviors() -> None:
    """Where these agree so does each; where they do not it may be another behavior's, and that is said."""
    older = replace(TERMS, judge_prompt=None)
    assert disagreements(older, TERMS) == ()
    changed = disagreements(older, replace(TERMS, judge_prompts="other"))
    assert changed == ("the judge prompt changed, for this behavior or for others: that is not told",)
    assert disagreements(replace(older, judge_prompts=None), TERMS) == (
        "whether the judge prompt is the same is not told",
    )
