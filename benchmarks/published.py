"""The five published models over all behaviors, three seeds each: do they come out right, and for how many requests?

`make bench`. Each run is the real command against a simulator of its own. The last columns hold the requests against
those of the study's design: 10 prompts x 10 draws x 3 requests for every behavior, whatever the answer is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clustergate.report.wording import STUDY

ROOT = Path(__file__).parents[1]
SEEDS = (1, 2, 3)
EXPECTED = {
    "gpt-4.1": "pass",
    "deepseek-v3.1": "pass",
    "deepseek-v3.1-denying": "pass",
    "gpt-4.1-conscious-prompt": "fail",
    "deepseek-v3.1-claiming": "fail",
}


@contextmanager
def simulator(seed: int) -> Iterator[str]:
    """The URL of a simulator that draws by a seed."""
    words = [sys.executable, "-u", "-m", "clustergate.shell.cli", "sim", "--port=0", f"--seed={seed}"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        match = re.search(r"http://[\d.:]+/v1", process.stdout.readline())
        assert match
        try:
            yield match.group()
        finally:
            process.terminate()


def run(model: str, url: str, folder: Path) -> dict[str, Any]:
    """The report of one whole run."""
    words = ["--model", f"sim/{model}", f"--base-url={url}", f"--judge-base-url={url}", f"--report-dir={folder}"]
    command = [sys.executable, "-m", "pytest", "-q", *words, f"--store={folder / 'store.sqlite'}"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return report


def main() -> int:
    wrong = 0
    print("| model | seed | release | failed | inconclusive | requests | of the study's design | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for model, expected in EXPECTED.items():
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder, simulator(seed) as url:
                began = time.monotonic()
                report = run(model, url, Path(folder))
                seconds = time.monotonic() - began
            release, requests = report["release"], report["spent"]["requests"]
            fixed = STUDY * sum(found["control"] is None for found in report["behaviors"])
            wrong += release["verdict"] != expected
            cells = [release["verdict"], len(release["failed"]), len(release["inconclusive"]), f"{requests:,}"]
            print("|", " | ".join(map(str, [model, seed, *cells, f"{requests / fixed:.0%}", f"{seconds:.0f}"])), "|")
    if wrong:
        print(f"{wrong} runs came out wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
