"""The floors of src/clustergate: imports point down only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FLOORS = ("shell", "run", "effects", "adapters", "decide", "report", "read", "nouns")


def _climbs(package: Path) -> Iterator[str]:
    for path in sorted(package.glob("*/**/*.py")):
        here = ".".join(path.relative_to(package).parts)
        floor = here.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            source = f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
            names = [source + alias.name for alias in node.names]
            for name in names:
                there = name.removeprefix("clustergate.").split(".")[0]
                ours = name.startswith("clustergate.") and there in FLOORS
                climbs = ours and FLOORS.index(there) < FLOORS.index(floor)
                reaches = floor == "effects" and ours and there == "adapters"
                simulator = here.startswith("adapters.simulator.") and ours and there not in ("nouns", "read")
                leaves = simulator and not name.startswith("clustergate.adapters.simulator")
                tests = name.split(".")[0] in ("pytest", "_pytest") and floor != "shell"
                if climbs or reaches or leaves or tests or name.startswith("."):
                    yield f"{path.relative_to(package)}:{node.lineno} imports {name}"


def test_imports_point_down() -> None:
    """No floor imports one above it; only the shell knows pytest; effects no adapter; the simulator nobody else."""
    assert list(_climbs(Path(__file__).parents[2] / "src" / "clustergate")) == []
