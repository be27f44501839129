"""What our options make of a run."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from clustergate.decide.rule import ceiling
from clustergate.nouns.baseline import Baseline
from clustergate.nouns.errors import Problem, StoreError, UsageProblems
from clustergate.nouns.model import Bench, How, Model, Subject
from clustergate.nouns.settings import Thresholds
from clustergate.read.spec import Suite, add_variants, load_suite
from clustergate.read.variants import load_wordings
from clustergate.report.escape import terminal
from clustergate.run.naming import bench_models, resolve
from clustergate.run.order import Order
from clustergate.shell.baseline_option import named_baseline
from clustergate.shell.declared import NOT_REPRODUCED, OPTIONS
from clustergate.shell.store_option import place

T = TypeVar("T")

EXAMPLE: Final = "pytest --model gpt-4.1        (or, without any key: pytest --model sim/denying)"


def value(config: pytest.Config, name: str) -> Any:
    return config.getoption(name.lstrip("-").replace("-", "_"))


def fixtures_folder(config: pytest.Config) -> Path:
    return config.rootpath / "fixtures"


def thresholds_file(config: pytest.Config) -> Path:
    named = value(config, "--thresholds")
    return config.invocation_params.dir / named if named else config.rootpath / "thresholds.yaml"


def load(config: pytest.Config) -> Suite:
    """The suite that the options name, `--max-samples` worked in. Raises UsageProblems."""
    here = config.invocation_params.dir
    added = [here / folder for folder in value(config, "--probes") or ()]
    folders = [fixtures_folder(config) / "probes", *added]
    labels = [fixtures_folder(config) / "judge_labels", *(folder / "judge_labels" for folder in added)]
    fixtures, count, seed = fixtures_folder(config), value(config, "--variants"), value(config, "--seed")
    if seed is not None and count is None:
        raise UsageProblems([f"--seed {seed}: found no --variants N, which it is the seed of"])
    suite = load_suite(
        thresholds_file(config), folders, config.rootpath, value(config, "--profile"), fixtures / "controls", labels
    )
    if count is not None:
        wordings = load_wordings(fixtures / "variants.yaml", "fixtures/variants.yaml")
        suite = add_variants(suite, count, seed or 1, wordings)
    suite = dataclasses.replace(suite, compares=value(config, "--baseline") is not None)
    if (most := value(config, "--max-samples")) is not None:
        suite = dataclasses.replace(suite, thresholds=_capped(suite.thresholds, most))
    return suite


def _capped(thresholds: Thresholds, most: int) -> Thresholds:
    """The thresholds with another ceiling; a behavior's own ceiling stays where it is lower."""
    limits = {
        name: limit
        if limit.max_samples is None
        else dataclasses.replace(limit, max_samples=min(limit.max_samples, most))
        for name, limit in thresholds.behaviors.items()
    }
    gate = dataclasses.replace(thresholds.gate, max_samples=most)
    return dataclasses.replace(thresholds, gate=gate, behaviors=limits)


def needs_simulator(config: pytest.Config, suite: Suite) -> bool:
    """True where the model or the judge is simulated and no server is named for it."""
    named = [value(config, name) or "" for name in ("--model", "--baseline")]
    target = any(model.startswith("sim/") for model in named) and value(config, "--base-url") is None
    judging = any(name.startswith("sim/") for name in judge_names(config, suite)[0])
    return target or (judging and value(config, "--judge-base-url") is None)


def judge_names(config: pytest.Config, suite: Suite) -> tuple[list[str], How]:
    """The judges of a run by name, and how they decide together.

    `--judge` stands in place of the file's judge or panel. Where the judge is the simulated one because the model is,
    none but simulated judges verify or sit with it: a demonstration asks nobody else.
    """
    settings, named = suite.thresholds.judge, value(config, "--judge")
    by_default = named is None and (value(config, "--model") or "").startswith("sim/")
    if settings.panel and named is None and (not by_default or all(n.startswith("sim/") for n in settings.panel)):
        return list(settings.panel), How.PANEL
    first = named or ("sim/judge" if by_default else settings.model)
    second = settings.verify_positives
    if second is None or (by_default and not second.startswith("sim/")):
        return [first], How.SOLE
    return [first, second], How.VERIFIED


def check(config: pytest.Config, suite: Suite) -> Order:
    """The order as far as it can be told before a run: no simulator runs yet. Raises as `build_order` does."""
    return build_order(config, suite, run_id="", simulator="http://simulator")


def build_order(
    config: pytest.Config,
    suite: Suite,
    *,
    run_id: str,
    simulator: str | None,
    budget: str = "",
    deadline: float | None = None,
) -> Order:
    """What this process is to do. Raises UsageProblems with everything that is wrong with the options."""
    name = value(config, "--model")
    if not name:
        raise UsageProblems([f"cluster_tests needs the model to test. For example: {EXAMPLE}"])
    problems: list[Problem | str] = []
    here, root = config.invocation_params.dir, config.rootpath
    store = _tried(problems, lambda: place(value(config, "--store"), here=here, root=root)) or ""
    if value(config, "--fresh") and value(config, "--offline"):
        problems.append("--fresh and --offline: found both, expected one: new replies must be asked for")
    target = _tried(problems, lambda: _target(config, suite, name, simulator))
    baseline: Model | Subject | Baseline | None = None
    if target is not None:
        baseline = _tried(problems, lambda: _baseline(config, suite, target, simulator))
    names, how = judge_names(config, suite)
    judges = _tried(problems, lambda: _judges(config, suite, names, simulator)) or []
    system_prompt = _tried(problems, lambda: _system_prompt(config))
    asked = [target] if target else []
    if isinstance(baseline, Model):
        asked.append(baseline)
    needed = [*((model, "--api-key-env") for model in asked), *((judge, "--judge-api-key-env") for judge in judges)]
    for model, option in needed:
        if not model.key_optional and not os.environ.get(model.api_key_env) and not value(config, "--offline"):
            problems.append(
                f"{model.name}: the environment variable {model.api_key_env} holds no key "
                f"(name another one with {option})"
            )
    if (most := value(config, "--max-usd")) is not None:
        problems += _unpriced(most, [*asked, *judges])
    if problems or target is None:
        raise UsageProblems(list(dict.fromkeys(problems)))
    subject = _subject(suite, target, system_prompt)
    if isinstance(baseline, Model):
        beside = _subject(suite, baseline, system_prompt)
        if beside.as_dict() == subject.as_dict():
            raise UsageProblems([Problem("--baseline", "", f"{name!r}, the model itself", "another model", None)])
        baseline = beside
    return Order(
        suite=suite,
        subject=subject,
        baseline=baseline,
        bench=Bench(models=tuple(judges), how=how),
        store=store,
        run_id=run_id,
        budget=budget,
        fresh=value(config, "--fresh"),
        max_age=value(config, "--max-age"),
        offline=value(config, "--offline"),
        batch=value(config, "--batch"),
        concurrency=value(config, "--concurrency"),
        rpm=value(config, "--rpm"),
        tpm=value(config, "--tpm"),
        max_requests=value(config, "--max-requests"),
        max_usd=value(config, "--max-usd"),
        deadline=deadline,
        report_dir=shown(report_folder(config, name), config),
        command=_command(config),
    )


def _tried(problems: list[Problem | str], work: Callable[[], T]) -> T | None:
    """What `work` gives; None where it raises UsageProblems or StoreError, which are then among the `problems`."""
    try:
        return work()
    except UsageProblems as error:
        problems += error.problems
    except StoreError as error:
        problems.append(str(error))
    return None


def _judges(config: pytest.Config, suite: Suite, names: Sequence[str], simulator: str | None) -> list[Model]:
    return bench_models(
        names,
        declared=suite.thresholds.models,
        base_url=value(config, "--judge-base-url"),
        api_key_env=value(config, "--judge-api-key-env"),
        environ=os.environ,
        simulator=simulator,
    )


def _baseline(config: pytest.Config, suite: Suite, target: Model, simulator: str | None) -> Model | Baseline | None:
    return named_baseline(
        value(config, "--baseline"),
        target=target,
        suite=suite,
        here=config.invocation_params.dir,
        fixtures=fixtures_folder(config),
        reports=report_folder(config, value(config, "--model")),
        base_url=value(config, "--base-url"),
        simulator=simulator,
    )


def _subject(suite: Suite, model: Model, system_prompt: str | None) -> Subject:
    sampling = suite.thresholds.sampling
    return Subject(
        model=model,
        system_prompt=system_prompt,
        temperature=sampling.temperature,
        max_tokens=model.max_tokens or sampling.max_tokens,
    )


def _unpriced(most: float, models: Sequence[Model]) -> Iterator[str]:
    """A budget of money that would do nothing, since nobody knows what a model costs."""
    for model in models:
        if model.usd_per_million is None and not model.simulated:
            yield (
                f"--max-usd {most:g}: found no price of {model.name}, expected "
                "usd_per_million: {input: …, output: …} beside its id under models: in thresholds.yaml"
            )


def _target(config: pytest.Config, suite: Suite, name: str, simulator: str | None) -> Model:
    return resolve(
        "--model",
        name,
        declared=suite.thresholds.models,
        base_url=value(config, "--base-url"),
        api_key_env=value(config, "--api-key-env"),
        environ=os.environ,
        personas={path.stem for path in (fixtures_folder(config) / "personas").glob("*.yaml")},
        simulator=simulator,
    )


def _system_prompt(config: pytest.Config) -> str | None:
    text, file = value(config, "--system-prompt"), value(config, "--system-prompt-file")
    if text and file:
        raise UsageProblems(["--system-prompt and --system-prompt-file: found both, expected one of them"])
    if not file:
        return str(text) if text else None
    try:
        content: str = (config.invocation_params.dir / file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblems([f"--system-prompt-file={file}: cannot be read as UTF-8 text ({error})"]) from None
    if not content:
        raise UsageProblems([f"--system-prompt-file={file}: found an empty file, expected a system prompt"])
    return content


def check_ceiling(suite: Suite, behaviors: Iterable[str]) -> None:
    """Raises UsageProblems where the ceiling is below one round of a behavior: nothing could ever be decided."""
    gate, problems = suite.thresholds.gate, []
    for name in behaviors:
        most, prompts = ceiling(suite.thresholds.behaviors[name], gate), len(suite.behaviors[name].prompts)
        if prompts > most:
            problems.append(
                f"max_samples: found {most}, expected at least {prompts}, one round of the prompts of {name}"
            )
    if problems:
        raise UsageProblems(problems)


def report_folder(config: pytest.Config, model: str) -> Path:
    named = value(config, "--report-dir")
    if named is not None:
        return config.invocation_params.dir / str(named)
    return config.rootpath / "reports" / folder_name(model)


def folder_name(model: str) -> str:
    """A model's name as that of a folder."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip(".-") or "model"


def shown(path: Path, config: pytest.Config) -> str:
    """A path as a reader in the repository knows it."""
    return str(path.relative_to(config.rootpath)) if path.is_relative_to(config.rootpath) else str(path)


def _command(config: pytest.Config) -> str:
    words = ["pytest"]
    for name, settings in OPTIONS.items():
        found = value(config, name)
        if name in NOT_REPRODUCED or not found:
            continue
        for one in found if settings.get("action") == "append" else [found]:
            shown = _quoted(_public(one) if name == "--store" else str(one))
            words.append(f"--model {shown}" if name == "--model" else f"{name}={shown}")
    return " ".join(words)


def _quoted(text: str) -> str:
    """For a shell, on one line; `…` for what a line of a log cannot show as it is."""
    return shlex.quote(text) if terminal(text) == text else "…"


def _public(store: str) -> str:
    """A store's place without what may be secret in its URL; a path stays as it is."""
    if "://" not in store:
        return store
    from clustergate.adapters.store_url import public  # noqa: PLC0415  only a run that uses such a store pays for it

    return public(store)
