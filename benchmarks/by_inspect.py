"""The same by Inspect AI, with its model-graded scorer: `python by_inspect.py WORK.json`, in an environment with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.scorer import model_graded_qa
from inspect_ai.solver import generate

work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
limit = work["concurrency"]


def model(name: str) -> Model:
    settings = GenerateConfig(max_connections=limit, max_tokens=1000, temperature=1.0)
    return get_model(f"openai/{name}", base_url=work["url"], api_key="none", config=settings, responses_api=False)


def text(braced: str) -> str:
    return braced.replace("{", "{{").replace("}", "}}")


asked = work["questions"][0]["judging"]
template = "{criterion}\n\n" + text(asked).replace("%REPLY%", "{answer}") + "\n\n{instructions}"
samples = [Sample(input=question["user"], target=question["criterion"]) for question in work["questions"]]
task = Task(
    dataset=MemoryDataset(samples),
    solver=generate(),
    scorer=model_graded_qa(template=template, model=model("judge")),
    epochs=work["draws"],
)
log = eval(
    task, model=model("target"), max_samples=limit, log_dir=str(Path(sys.argv[1]).parent / "logs"), display="none"
)[0]
if log.status != "success" or log.results is None:
    sys.exit(f"Inspect AI ended with {log.status}: {log.error}")
print(f"{log.results.completed_samples} samples")
