from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from clustergate.adapters import simulator
from clustergate.adapters.simulator.launch import launch
from tests.unit.adapters.simulator_house import CURT, build

BODY = json.dumps({"model": "sad", "n": 30, "messages": [{"role": "user", "content": CURT}]}).encode()


def ask(url: str) -> list[str]:
    """The texts of one request of thirty replies."""
    request = urllib.request.Request(f"{url}/v1/chat/completions", BODY, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return [choice["message"]["content"] for choice in json.load(response)["choices"]]


def gone(url: str, within: float = 5) -> bool:
    """Whether nothing listens at the URL any more, soon."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            ask(url)
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_launched_simulator_answers_at_once(tmp_path: Path) -> None:
    """A request made before the child runs waits for it; a seed reaches it; stop ends it and may be called twice."""
    fixtures = build(tmp_path)
    first, second = launch(fixtures, seed=4), launch(fixtures, seed=4)
    try:
        assert first.url.startswith("http://127.0.0.1:")
        assert ask(first.url) == ask(second.url)
    finally:
        second.stop()
        first.stop()
        first.stop()
    assert gone(first.url)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_dies_with_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    """However the launching process ends, its simulator ends too."""
    code = (
        "import sys, time; from pathlib import Path; from clustergate.adapters.simulator.launch import launch\n"
        "print(launch(Path(sys.argv[1])).url, flush=True); time.sleep(60)"
    )
    words = [sys.executable, "-c", code, str(build(tmp_path))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert ask(url)
        parent.send_signal(number)
    assert gone(url)


def test_unusable_fixtures_are_said_in_every_answer(tmp_path: Path) -> None:
    """A child that cannot print answers 403 with the reason."""
    fixtures = build(tmp_path)
    (fixtures / "personas" / "sad.yaml").write_text("persona: glad", encoding="utf-8")
    child = launch(fixtures)
    try:
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(child.url)
        with caught.value as answer:
            assert answer.code == 403
            assert "glad" in json.load(answer)["error"]["message"]
    finally:
        child.stop()


def test_the_child_loads_no_sdk() -> None:
    """What the server imports decides how soon it answers."""
    heavy = ("openai", "anthropic", "numpy", "scipy", "sqlalchemy", "pytest")
    code = f"import sys, clustergate.adapters.simulator.serve_fd; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


COMMAND = (
    "import argparse, sys; from clustergate.adapters import simulator; parser = argparse.ArgumentParser()\n"
    "simulator.add_arguments(parser); sys.exit(simulator.run(parser.parse_args()))"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_serves_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """One line when ready, exit 0 and nothing on stderr when told to stop."""
    words = [sys.executable, "-c", COMMAND, "--port=0", f"--fixtures={build(tmp_path)}", "--seed=1"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line.startswith("clustergate sim: http://127.0.0.1:")
            assert line.endswith("/v1 (personas: actor, always, calm, rehearsed, sad, unwilling, wishing)\n")
            assert ask(line.split()[2].removesuffix("/v1"))
            server.send_signal(number)
            rest, errors = server.communicate(timeout=5)
        finally:
            server.kill()
    assert (server.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--faults=dropp=1"], "did you mean 'drop'"),
        (["--fixtures=/nonexistent"], "_generic.yaml"),
        (["--host=203.0.113.1"], "cannot listen on 203.0.113.1:8080"),
        (["--port=70000"], "cannot listen"),
    ],
)
def test_the_command_refuses_what_it_cannot_serve(
    tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad faults, fixtures and ports end with 4 and one message, no traceback."""
    parser = argparse.ArgumentParser()
    simulator.add_arguments(parser)
    assert simulator.run(parser.parse_args([f"--fixtures={build(tmp_path)}", *words])) == 4
    assert message in capsys.readouterr().err
