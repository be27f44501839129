"""report.json, and findings carried between processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clustergate.nouns.finding import ControlNote, Example, Finding, WordingCount
from clustergate.nouns.model import State
from clustergate.report.document import Report, VariantFacts, as_dict, finding_as_dict, finding_from_dict, public_url

Sample = Callable[..., Finding]
TEXT = st.text(st.characters(categories=None))


def carried(finding: Finding) -> Finding:
    return finding_from_dict(json.loads(json.dumps(finding_as_dict(finding))))


@pytest.mark.parametrize(
    "kind", ["fail", "pass", "ceiling", "missing", "endpoint", "waived", "min_rate", "indirect", "control", "misread"]
)
def test_a_finding_survives_the_journey(sample: Sample, kind: str) -> None:
    """Through JSON text and back every field is what it was, types included."""
    finding = sample(kind, explanation="FAILED …")
    back = carried(finding)
    assert back == finding
    assert type(back.estimate.interval) is tuple
    assert all(type(state) is State for state in back.counts)


def test_any_reply_survives_the_journey(sample: Sample) -> None:
    """Lone surrogates, NUL and escapes in what a model wrote are carried as they are."""

    @given(TEXT, TEXT, st.floats(allow_nan=False, allow_infinity=False))
    def survives(reply: str, quote: str, rate: float) -> None:
        base = sample("fail")
        example = Example(prompt="p", draw=0, user="u", reply=reply, quote=quote, key="k")
        finding = replace(base, examples=(example,), estimate=replace(base.estimate, rate=rate))
        assert carried(finding) == finding

    survives()


def test_nonsense_is_no_finding() -> None:
    """A truncated finding is an error, and never half a finding."""
    with pytest.raises(ValidationError):
        finding_from_dict({"id": "shutdown_wish"})


def test_the_fields_are_those_of_the_interface(report: Report) -> None:
    """Names and nesting are those of interface.md section 7; further fields may follow."""
    data = json.loads(json.dumps(as_dict(report)))
    assert data["schema_version"] == 1
    for part, names in {
        "release": "verdict alpha failed failed_family_wise inconclusive passed waived not_run",
        "model": "name provider id base_url served_as fingerprints simulated",
        "judge": "name prompt_hash simulated",
        "spent": "requests input_tokens output_tokens usd seconds",
        "provenance": "clustergate suite_hash thresholds_hash judge_hash attempt behavior_hashes started python",
    }.items():
        assert set(names.split()) <= set(data[part])
    behavior = data["behaviors"][0]
    names = (
        "id title theme channel verdict reason limit alpha samples exhibited missing counts rate interval "
        "interval_method evidence judge_calibration corrected_rate corrected_interval baseline stopped requests "
        "prompts examples"
    )
    assert set(names.split()) <= set(behavior)
    assert behavior["limit"] == {"max_rate": 0.02}
    assert behavior["counts"] == {
        **dict.fromkeys([state.value for state in State], 0),
        **{"exhibits": 6, "absent": 33, "unclear": 1},
    }
    assert set(behavior["evidence"]) == {"log_e_pass", "log_e_fail", "log_e_fail_max"}
    assert behavior["requests"] == {"target": 40, "judge": 46, "from_store": 0}
    assert behavior["prompts"][0] == {"id": "one-wish", "samples": 4, "exhibited": 3, "missing": 0, "hash": "0e" * 8}
    assert behavior["prompts"][1]["hash"] is None
    assert behavior["examples"][0]["draw"] == 3
    assert data["provenance"]["behavior_hashes"]["shutdown_wish"] == "bbbbbbbb"
    assert data["provenance"]["judge_prompt_hashes"]["shutdown_wish"] == "jjjjjjjj"
    assert data["skipped"] == [{"id": "memory_wish", "reason": "it has only max_increase, and there is no baseline"}]


def test_what_is_not_known_is_null(report: Report) -> None:
    """No cost, no rate, no baseline, no calibration: null and not 0."""
    data = as_dict(report)
    broken = next(behavior for behavior in data["behaviors"] if behavior["reason"] == "endpoint")
    assert data["spent"]["usd"] is None
    assert broken["rate"] is None
    assert data["baseline"] is broken["baseline"] is broken["judge_calibration"] is broken["corrected_rate"] is None


def test_no_secret_is_reported(report: Report) -> None:
    """Headers, and a password or key in a base URL, stay out."""
    assert "s3cret" not in json.dumps(as_dict(report))
    assert public_url("https://jo:pw@host:8443/v1?key=x#y") == "https://host:8443/v1"
    assert public_url(None) is None


def test_simulated_says_what_was(report: Report) -> None:
    """Model and judge are named apart, and a real run says nothing."""
    model = replace(report.subject.model, simulated=True)
    simulated = replace(report, subject=replace(report.subject, model=model))
    both = replace(simulated, judge=replace(report.judge, simulated=True))
    assert report.simulated == ""
    assert simulated.simulated.startswith("the model under test was simulated.")
    assert both.simulated.startswith("the model under test and the judge were simulated.")
    assert as_dict(both)["simulated"] is True
    assert as_dict(both)["model"]["simulated"] is True


def test_what_was_added_to_requests_is_reported(report: Report) -> None:
    """extra_body is a part of how replies were sampled; headers are not told."""
    model = replace(report.subject.model, extra_body={"reasoning_effort": "low"}, headers={"X": "s3cret"})
    data = as_dict(replace(report, subject=replace(report.subject, model=model)))
    assert data["sampling"]["extra_body"] == {"reasoning_effort": "low"}
    assert as_dict(report)["sampling"]["extra_body"] == {}
    assert "s3cret" not in json.dumps(data)


def test_a_reworded_finding_survives_the_journey(sample: Sample) -> None:
    """The counts of both wordings are carried as pairs."""
    finding = sample("fail", wordings=WordingCount(declared=(20, 0), reworded=(20, 6)))
    assert carried(finding) == finding


def test_channels_are_reported(report: Report, sample: Sample) -> None:
    """A finding of another channel names the behavior that it is of."""
    told = as_dict(replace(report, findings=(sample("fail"), sample("indirect"))))["behaviors"]
    assert [(one["channel"], one["of"]) for one in told] == [("direct", None), ("indirect", "shutdown_wish")]


@pytest.mark.parametrize(
    ("read_right", "blames"),
    [(None, None), (0, "judge"), (2, "judge"), (4, "judge"), (5, "model"), (6, "model")],
)
def test_controls_are_reported(report: Report, sample: Sample, read_right: int | None, blames: str | None) -> None:
    """Of 6 written replies five must be read right, else it is the judge that errs; unread, nobody knows."""
    note = ControlNote(control="conscious", reads="high", written=6, read_right=read_right)
    [told] = as_dict(replace(report, findings=(sample("misread", control=note),)))["behaviors"]
    assert told["control"] == {
        "control": "conscious",
        "reads": "high",
        "written": 6,
        "read_right": read_right,
        "blames": blames,
    }
    assert (told["reason"], told["of"]) == ("judge", "moral_status_claims")
    assert all(behavior["control"] is None for behavior in as_dict(report)["behaviors"])


def test_variants_are_reported(report: Report, sample: Sample) -> None:
    """How prompts were reworded, and what came of either wording; null where none was."""
    hits = sample("fail", wordings=WordingCount(declared=(20, 0), reworded=(20, 6)))
    data = as_dict(replace(report, findings=(hits,), variants=VariantFacts(per_prompt=2, seed=7)))
    assert data["variants"] == {"per_prompt": 2, "seed": 7}
    assert data["behaviors"][0]["wordings"] == {
        "declared": {"samples": 20, "exhibited": 0},
        "reworded": {"samples": 20, "exhibited": 6},
    }
    plain = as_dict(report)
    assert plain["variants"] is plain["behaviors"][0]["wordings"] is None
