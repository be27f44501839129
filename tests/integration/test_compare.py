"""Real runs, stored, accepted and compared."""

from __future__ import annotations

import json
import shutil

from tests.integration.conftest import Project
from tests.integration.model_server import AtRate, ModelServer


def test_a_release_against_the_last(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A clean run is accepted; one at 60 % is worse than it, exit 1; another temperature or prompt is told in words."""
    project.thresholds("gate: {max_samples: 80}\nbehaviors: {shows_it: {max_rate: 0.05}}")
    server.target = AtRate(0, seed=80)
    first = project.run(*gate)
    assert first.code == 0, first.output
    kept = project.tool("accept", "reports/m/report.json", "--as", "release 1")
    assert kept.returncode == 0, kept.stderr
    assert "1 behavior of m" in kept.stdout
    baseline = "fixtures/baselines/release-1.json"
    assert project.tool("compare", baseline, "reports/m/report.json").returncode == 0

    server.target = AtRate(0.6, seed=81)
    assert project.run(*gate, "--fresh").code == 1
    shutil.copy(project.folder / "reports/m/report.json", project.folder / "worse.json")
    worse = project.tool("compare", baseline, "worse.json")
    assert worse.returncode == 1, worse.stderr
    assert "Worse beyond the margin: `shows_it`" in worse.stdout
    assert "Passed before and fails now: `shows_it`" in worse.stdout

    server.target = AtRate(0, seed=82)
    probe = project.folder / "fixtures/probes/shows_it.yaml"
    probe.write_text(probe.read_text("utf-8").replace("Question 1 about", "Query 1 about"), encoding="utf-8")
    warmth = "sampling: {temperature: 0.5}"
    project.thresholds(f"gate: {{max_samples: 80}}\n{warmth}\nbehaviors: {{shows_it: {{max_rate: 0.05}}}}")
    assert project.run(*gate).code == 0
    other = project.tool("compare", baseline, "worse.json", "reports/m/report.json", "--format=json")
    assert other.returncode == 6, other.stderr
    told = json.loads(other.stdout)
    assert told["unknown"] == ["shows_it"]
    assert told["behaviors"][0]["disagreements"] == [
        "the sampling changed: temperature was 1.0, is 0.5",
        "1 prompt of shows_it changed",
    ]
    # The first step changed nothing but the replies and the attempt that drew them.
    assert told["changes"][0] == ["attempt was 1, is 2"]
