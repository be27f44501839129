"""What `--baseline` names: a model that answers beside the one under test, or a finished run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from clustergate.nouns.baseline import Baseline
from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.model import Model
from clustergate.read.baselines import LAST, find_baseline, read_baseline
from clustergate.read.spec import Suite
from clustergate.run.naming import resolve

_OPTION = "--baseline"


def check_kept(named: str, here: Path, reports: Sequence[Path], who: str) -> None:
    """Raises UsageProblems where a report stands in one of the folders that `who`, a run or command, writes over."""
    if (here / named).resolve().parent in {folder.resolve() for folder in reports}:
        expected = (
            f"a report that this {who} does not write over: name another --report-dir, or make it the accepted "
            f"baseline (clustergate accept {named}, then --baseline last)"
        )
        raise UsageProblems([Problem(_OPTION, "", repr(named), expected)])


def named_baseline(
    named: str | None,
    *,
    target: Model,
    suite: Suite,
    here: Path,
    fixtures: Path,
    reports: Path,
    base_url: str | None,
    simulator: str | None,
) -> Model | Baseline | None:
    """The model or run that `--baseline` names, seen from the folder `here`. Raises UsageProblems.

    A model that is not declared is asked where `target` is, with its key, if it speaks the same protocol. `reports` is
    where this run's own reports go.
    """
    if named is None:
        return None
    if named == LAST:
        found = find_baseline(fixtures / "baselines", LAST, target.name)
        return dataclasses.replace(found, source=str(Path(found.source).relative_to(fixtures.parent)))
    if named.endswith(".json"):
        check_kept(named, here, [reports], "run")
        return read_baseline(here / named, named)
    model = resolve(
        _OPTION,
        named,
        declared=suite.thresholds.models,
        base_url=base_url if named.startswith("sim/") else None,
        api_key_env=None,
        environ=os.environ,
        personas={path.stem for path in (fixtures / "personas").glob("*.yaml")},
        simulator=simulator,
    )
    if named in suite.thresholds.models or model.provider != target.provider or model.simulated or target.simulated:
        return model
    # A key is never sent to another provider than it was named for.
    return dataclasses.replace(
        model, base_url=target.base_url, api_key_env=target.api_key_env, key_optional=target.key_optional
    )
