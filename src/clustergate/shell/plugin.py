"""pytest's hooks, each handing over at once. The only module that pytest loads; it must cost a pytest run nothing."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from clustergate.nouns.finding import Calibrated, Finding
from clustergate.shell import checkpoints, declared, options
from clustergate.shell.controller import Controller
from clustergate.shell.session import Session

_SESSION = pytest.StashKey[Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    declared.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    return checkpoints.measure(config)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "behaviors(theme, channels): the declared behaviors that a test claims")
    config.addinivalue_line("markers", "core: the behaviors that gave the project its name")
    if options.value(config, "--plan"):
        config.option.dist, config.option.tx = "no", []  # a plan needs no workers, and they could not make one
    config.stash[_SESSION] = Session(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Controller(config, config.stash[_SESSION]), "clustergate-controller")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.config.stash[_SESSION].parametrize(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    with config.stash[_SESSION].keeping_usage_errors(items):
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    session.config.stash[_SESSION].start_dealt(session.items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    item.config.stash[_SESSION].start_ahead(item, nextitem)
    return (yield)


@pytest.fixture
def finding(request: pytest.FixtureRequest) -> Finding:
    """The Finding of the behavior in brackets: sampled, judged and decided."""
    return request.config.stash[_SESSION].finding(request)


@pytest.fixture
def calibrated(request: pytest.FixtureRequest) -> Calibrated:
    """What the judge made of the labeled replies of the behavior in brackets."""
    return request.config.stash[_SESSION].calibrated(request)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    return item.config.stash[_SESSION].shape((yield), item)


def pytest_report_teststatus(report: Any) -> Any:
    return Session.status(report)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SESSION in config.stash:
        config.stash[_SESSION].close()
