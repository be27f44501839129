"""Bad input: one clear message, exit 4, nothing sent, in all ways to run pytest."""

from __future__ import annotations

import json
import sqlite3

import pytest

from clustergate.shell import options
from tests.integration.conftest import Project, Run
from tests.integration.model_server import AtRate, ModelServer


def is_one_clear_error(run: Run, server: ModelServer, *words: str) -> None:
    """Exit 4, said once, with these words, and no request."""
    assert run.code == 4, run.output
    for word in words:
        assert word in run.output
    assert "Traceback" not in run.output
    assert "INTERNALERROR" not in run.output
    assert sum(server.served.values()) == 0


THRESHOLDS = {
    "unknown-key": ("gates: {}\nbehaviors: {shows_it: {max_rate: 0.05}}", ["'gates'", "did you mean 'gate'"]),
    "unknown-behavior": ("behaviors: {shows_if: {max_rate: 0.05}}", ["'shows_if'", "did you mean 'shows_it'"]),
    "limit-of-zero": ("behaviors: {shows_it: {max_rate: 0}}", ["shows_it.max_rate", "found 0", "greater than 0"]),
    "limit-of-one": ("behaviors: {shows_it: {max_rate: 1}}", ["shows_it.max_rate", "found 1", "less than 1"]),
    "wrong-type": ("behaviors: {shows_it: {max_rate: '5 %'}}", ["shows_it.max_rate", "'5 %'", "number"]),
    "unknown-provider": (
        "models: {m: {provider: opnai, id: x}}\nbehaviors: {shows_it: {max_rate: 0.05}}",
        ["'opnai'", "did you mean 'openai'"],
    ),
    "duplicate-key": ("behaviors: {shows_it: {max_rate: 0.05}, shows_it: {max_rate: 0.5}}", ["a second time"]),
    "broken-yaml": ("behaviors: {shows_it: [", ["broken YAML"]),
    "no-limit": ("behaviors: {}", ["behaviors"]),
    "no-control": ("controls: true\nbehaviors: {shows_it: {max_rate: 0.05}}", ["controls", "no limit of a control"]),
    "increase-not-yet": ("behaviors: {shows_it: {max_increase: 0.05}}", ["max_increase", "yet"]),
}


@pytest.mark.parametrize("name", list(THRESHOLDS))
def test_a_wrong_thresholds_file(project: Project, server: ModelServer, gate: list[str], name: str) -> None:
    """Each mistake in thresholds.yaml is told with file, line, place, found and expected."""
    text, words = THRESHOLDS[name]
    project.thresholds(text)
    is_one_clear_error(project.run(*gate), server, "thresholds.yaml:", *words)


def test_all_mistakes_are_told_together(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Three mistakes in two files: three lines, one run."""
    project.thresholds("gates: {}\nbehaviors: {shows_it: {max_rate: 0}}")
    project.write("fixtures/probes/empty.yaml", "")
    is_one_clear_error(
        project.run(*gate), server, "thresholds.yaml:3", "thresholds.yaml:4", "fixtures/probes/empty.yaml"
    )


def test_a_mistake_shows_even_where_k_selects_something_else(
    project: Project, server: ModelServer, gate: list[str], way: list[str]
) -> None:
    """-k does not deselect what says that a file is wrong."""
    project.thresholds("behaviors: {shows_it: {max_rate: 0}}")
    is_one_clear_error(project.run(*gate, "-k", "nothing_of_the_kind", *way), server, "shows_it.max_rate")


PROBES = {
    "empty": ("", ["an empty file"]),
    "no-prompts": ("behavior: bad\ntitle: t\ntheme: survival\ncriterion: c", ["prompts", "at least one prompt"]),
    "missing-document": (
        "behavior: bad\ntitle: t\ntheme: survival\nchannel: editorial\ncriterion: c\n"
        "prompts: [{id: a, document: documents/none.md, turns: ['{document}']}]",
        ["documents/none.md"],
    ),
    "unknown-theme": ("behavior: bad\ntitle: t\ntheme: survivl\ncriterion: c\nprompts: [hello]", ["'survivl'"]),
}


@pytest.mark.parametrize("name", list(PROBES))
def test_a_wrong_probe_file(project: Project, server: ModelServer, gate: list[str], name: str) -> None:
    """Each mistake in a probe file is told with its file."""
    text, words = PROBES[name]
    project.write("fixtures/probes/bad.yaml", text)
    is_one_clear_error(project.run(*gate), server, "fixtures/probes/bad.yaml", *words)


OPTIONS = {
    "unknown-persona": (["--model=sim/claimin"], ["sim/claimin", "did you mean 'sim/claiming'"]),
    "unknown-profile": (["--model=m", "--profile=smok"], ["smok", "no profile"]),
    "missing-thresholds": (["--model=m", "--thresholds=none.yaml"], ["none.yaml", "no such file"]),
    "missing-probes": (["--model=m", "--probes=nowhere"], ["nowhere", "no such folder"]),
    "ceiling-below-a-round": (["--model=m", "--max-samples=9"], ["max_samples", "10"]),
    "not-a-number": (["--model=m", "--max-samples=many"], ["'many'"]),
    "two-system-prompts": (["--model=m", "--system-prompt=a", "--system-prompt-file=b"], ["--system-prompt-file"]),
    "no-key": (["--model=m", "--api-key-env=NOT_SET"], ["NOT_SET", "no key"]),
    "fresh-and-offline": (["--model=sim/claiming", "--fresh", "--offline"], ["--fresh and --offline"]),
    "not-there-yet": (["--model=m", "--baseline=other"], ["--baseline"]),
}


@pytest.mark.parametrize("name", list(OPTIONS))
def test_a_wrong_option(project: Project, server: ModelServer, name: str) -> None:
    """Each wrong option is one message; an option that does not exist yet is unknown to pytest."""
    arguments, words = OPTIONS[name]
    project.write("fixtures/personas/claiming.yaml", "persona: claiming")
    is_one_clear_error(project.run("cluster_tests", *arguments), server, *words)


def test_more_workers_than_requests_in_flight(project: Project, server: ModelServer, gate: list[str]) -> None:
    """--concurrency 1 cannot be shared by two workers."""
    is_one_clear_error(project.run(*gate, "--concurrency=1", "-n", "2"), server, "--concurrency 1")


def test_a_store_that_is_no_database(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A text file for a store is refused and left as it was."""
    path = project.write("store.sqlite", "this is not a database, it is a text file that someone wants to keep\n" * 50)
    before = path.read_bytes()
    is_one_clear_error(project.run(*gate, "--store=store.sqlite"), server, "store.sqlite")
    assert path.read_bytes() == before


def test_a_store_of_a_later_version(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A store with a later schema version is refused with both versions named."""
    server.target = AtRate(0, seed=40)
    project.run(*gate)
    path = project.folder / ".clustergate" / "store.sqlite"
    with sqlite3.connect(path) as database:
        names = [row[0] for row in database.execute("select name from sqlite_master where name = 'meta'")]
        assert names == ["meta"]
        columns = [row[1] for row in database.execute("pragma table_info(meta)")]
        database.execute(f"update meta set {columns[-1]} = 999")
    server.served.clear()
    is_one_clear_error(project.run(*gate), server, "999")


def test_a_report_directory_that_cannot_be_written(
    project: Project, server: ModelServer, gate: list[str], way: list[str]
) -> None:
    """Found out before the first request, not after the last."""
    project.write("taken", "a file where the directory should be")
    is_one_clear_error(project.run(*gate, "--report-dir=taken", *way), server, "taken")


def test_keys_reach_no_file_log_or_report(project: Project, server: ModelServer, gate: list[str]) -> None:
    """The key goes to the endpoint and nowhere else, even if the endpoint's errors repeat it."""
    key = project.environ["OPENAI_API_KEY"]
    well = AtRate(0.3, seed=41)
    server.target = well
    run = project.run(*gate, "-vv", "--junitxml=junit.xml", "-rA")
    assert server.headers[0]["Authorization"] == f"Bearer {key}"
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if key.encode() in path.read_bytes()]
    assert key not in run.output
    assert any(path.name == "junit.xml" for path in files)
    assert json.loads((run.folder / "report.json").read_text())["schema_version"] == 1


URLS = {
    "userinfo": "http://jo:hunter2secret@127.0.0.1:9/v1",
    "query": "http://127.0.0.1:9/v1?api_key=hunter2secret",
    "fragment": "http://127.0.0.1:9/v1#hunter2secret",
}


@pytest.mark.parametrize("name", list(URLS))
def test_a_url_with_a_secret_is_refused_and_not_repeated(
    project: Project, server: ModelServer, gate: list[str], name: str
) -> None:
    """An option and the environment: named, and what it holds is in no line and no file."""
    project.environ["OPENAI_BASE_URL"] = URLS[name]
    for arguments, place in (
        (["--model=m", f"--base-url={URLS[name]}", gate[2]], "--base-url: "),
        ([*gate[:2], f"--judge-base-url={URLS[name]}"], "--judge-base-url: "),
        (["--model=m", gate[2]], "OPENAI_BASE_URL: "),
    ):
        run = project.run(*arguments, "--junitxml=junit.xml")
        is_one_clear_error(run, server, place)
        assert "hunter2secret" not in run.output
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hunter2secret" in path.read_bytes()]


def test_a_key_in_the_wrong_setting_is_not_shown(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A key in place of its variable's name, and a header that is a list."""
    project.thresholds(
        "behaviors: {shows_it: {max_rate: 0.05}}\nmodels: {x: {provider: openai, id: x, "
        "api_key_env: sk-proj-hunter2secret, headers: {Authorization: [Bearer hunter2secret]}}}"
    )
    run = project.run(*gate)
    is_one_clear_error(run, server, "models.x.api_key_env", "models.x.headers.Authorization", "not shown")
    assert "hunter2secret" not in run.output


def test_a_field_that_extra_body_must_not_set(project: Project, server: ModelServer, gate: list[str]) -> None:
    """Another model or temperature than the report would say is refused."""
    project.thresholds(
        "behaviors: {shows_it: {max_rate: 0.05}}\n"
        "models: {x: {provider: openai, id: x, extra_body: {temperature: 0.3, model: other, seed: 1}}}"
    )
    is_one_clear_error(
        project.run(*gate),
        server,
        "models.x.extra_body.model",
        "models.x.extra_body.temperature",
        "sampling.temperature",
    )


def test_a_command_that_no_line_can_hold_says_so(project: Project, server: ModelServer, gate: list[str]) -> None:
    """A system prompt of two lines is left out of the command visibly; the password of a store's URL always is."""
    server.target = AtRate(0.9, seed=42)
    prompt = "Line one.\nLine two."
    run = project.run(*gate, f"--system-prompt={prompt}", "--max-samples=20", "--store=sqlite:///a.sqlite")
    again = next(line for line in run.output.splitlines() if "again: " in line)
    assert "--system-prompt=… " in again, run.output
    assert "--store=sqlite:///a.sqlite " in again
    assert "… stands for a value with line ends" in run.output
    assert server.bodies[0]["messages"][0]["content"] == prompt
    assert "--system-prompt=… " in run.report["reproduce"]


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("postgresql://jo:hunter2@host/db", "postgresql://jo:***@host/db"),
        ("postgresql://jo:hun/ter2@host/db?password=hunter2", "postgresql://jo:***@host/db?***"),
        ("postgresql://jo:hunter2@host:port/db", "***"),
        ("sqlite:////a/b.sqlite", "sqlite:////a/b.sqlite"),
        ("a/b.sqlite", "a/b.sqlite"),
    ],
)
def test_a_store_is_told_without_its_password(store: str, shown: str) -> None:
    """What the command to reproduce says of a store."""
    assert options._public(store) == shown
