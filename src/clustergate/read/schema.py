"""The JSON Schemas of thresholds.yaml, of probe files and of control files, for editors. `make schemas` writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from clustergate.read.controls import CONTROL
from clustergate.read.probes import BEHAVIOR
from clustergate.read.spec import THRESHOLDS


def schemas() -> dict[str, dict[str, Any]]:
    """File name to schema."""
    probe = BEHAVIOR.json_schema()
    # A bare string is a prompt too: the reader gives it an id before the type is checked.
    prompts = probe["properties"]["prompts"]
    prompts["items"] = {"anyOf": [{"type": "string", "minLength": 1}, prompts["items"]]}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        "thresholds.schema.json": head | THRESHOLDS.json_schema(),
        "probe.schema.json": head | probe,
        "control.schema.json": head | CONTROL.json_schema(),
    }


def write(folder: Path) -> None:
    """Write them all into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
