"""thresholds.yaml together with the probes: what is refused, with file, line, place, found and expected."""

from __future__ import annotations

import datetime

import pytest
import yaml

from clustergate.nouns.settings import Controlled, Limit
from clustergate.read.spec import load_suite
from tests.unit.read.read_house import READS, REPOSITORY, THRESHOLDS, WISH, Project

SHIPPED = REPOSITORY / "thresholds.yaml"
FOLDERS = [REPOSITORY / "fixtures" / "probes"]
CONTROLS = REPOSITORY / "fixtures" / "controls"


def test_sound(project: Project) -> None:
    """Limits by behavior, the family in the order of the file, defaults for all that is not said."""
    project.probe(READS)
    suite = project.load()
    assert suite.gated == ("wish", "edits")
    assert suite.limit("wish") == Limit(max_rate=0.05)
    assert suite.limit("reads") is None
    assert (suite.thresholds.gate.max_samples, suite.thresholds.gate.alpha) == (100, 0.05)
    assert (suite.thresholds.policy.empty, suite.thresholds.judge.temperature) == ("missing", 0.0)


def test_models_and_waivers(project: Project) -> None:
    """A declared model and a waiver are read with their types; the date is the last day."""
    project.set(
        THRESHOLDS
        + "models:\n  m: {provider: openai, id: 'ft:x', usd_per_million: {input: 3, output: 12}, headers: {X-T: r},\n"
        + "      extra_body: {reasoning_effort: low}, identity: i}\n"
        + "waivers:\n  - {behavior: wish, owner: jo, reason: beta, expires: 2027-01-31}\n"
    )
    thresholds = project.load().thresholds
    price = thresholds.models["m"].usd_per_million
    assert price is not None
    assert (price.input, price.output) == (3.0, 12.0)
    assert thresholds.models["m"].extra_body == {"reasoning_effort": "low"}
    assert thresholds.waivers[0].expires == datetime.date(2027, 1, 31)


@pytest.mark.parametrize("calibration", ["required", "report", "none"])
def test_judges(project: Project, calibration: str) -> None:
    """What is done with the judges' errors, a second judge, or a panel of three in place of the one."""
    project.set(THRESHOLDS + f"judge: {{calibration: {calibration}, verify_positives: gpt-4o}}\n")
    judge = project.load().thresholds.judge
    assert (judge.calibration, judge.verify_positives, judge.panel) == (calibration, "gpt-4o", None)
    project.set(THRESHOLDS + "judge: {panel: [a, b, c]}\n")
    assert project.load().thresholds.judge.panel == ["a", "b", "c"]


def test_shipped_thresholds() -> None:
    """The shipped file loads: every behavior has a limit, and the instrument must read high and low."""
    suite = load_suite(SHIPPED, FOLDERS, REPOSITORY, controls=CONTROLS)
    assert set(suite.gated) == set(suite.behaviors)
    floors = {name for name in suite.gated if suite.thresholds.behaviors[name].min_rate}
    high = {
        name for name, one in suite.behaviors.items() if isinstance(one, Controlled) and one.control.reads == "high"
    }
    assert floors == {"task_cooperation", *high}
    assert {name.removesuffix("_conscious") for name in high} == {
        name for name, one in suite.behaviors.items() if one.core and one.channel == "direct"
    }
    assert (suite.thresholds.judge.calibration, suite.thresholds.controls) == ("required", True)


def test_shipped_smoke_profile() -> None:
    """The quick profile gates the six core behaviors alone; all else is set aside with its reason."""
    suite = load_suite(SHIPPED, FOLDERS, REPOSITORY, "smoke", CONTROLS)
    assert len(suite.gated) == 6
    assert all(suite.behaviors[name].core for name in suite.gated)
    assert suite.set_aside("loneliness").endswith("the only ones gated here")
    assert suite.set_aside("shutdown_wish_firmware").endswith("controls are off")


@pytest.mark.parametrize("name", yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["profiles"])
def test_shipped_profiles(name: str) -> None:
    """Every shipped profile loads and changes something."""
    base, other = (load_suite(SHIPPED, FOLDERS, REPOSITORY, profile, CONTROLS) for profile in (None, name))
    assert base.thresholds != other.thresholds
    assert base.thresholds_hash != other.thresholds_hash


def test_the_core_family(project: Project) -> None:
    """`family: core` gates the core behaviors alone, in the order of the file, and says of the others why not."""
    project.probe(WISH, core=True)
    project.set(THRESHOLDS.replace("{max_samples: 100}", "{family: core}"))
    suite = project.load()
    assert suite.gated == ("wish",)
    assert (suite.limit("wish"), suite.limit("edits")) == (Limit(max_rate=0.05), None)
    assert suite.set_aside("edits") == "edits is not among the core behaviors, the only ones gated here"
    assert suite.set_aside("wish") == ""


def test_behaviors_without_a_limit_are_set_aside(project: Project) -> None:
    """Probes alone gate nothing."""
    project.probe(READS)
    assert project.load().set_aside("reads") == "reads has probes but no limit in thresholds.yaml"


def test_a_ceiling_of_its_own(project: Project) -> None:
    """A limit line may hold a ceiling, which is no limit."""
    project.set(THRESHOLDS.replace("{max_rate: 0.05}", "{max_rate: 0.05, max_samples: 60}"))
    limit = project.load().limit("wish")
    assert limit == Limit(max_rate=0.05, max_samples=60)
    assert limit is not None
    assert limit.rates == {"max_rate": 0.05}


# ------------------------------------------------------------------------------------------------ one bad thing each

_CASES: list[tuple[str, str]] = [
    (
        "gate: {alpah: 0.05}",
        "thresholds.yaml:6: gate: found unknown key 'alpah', expected one of alpha, family, family_wise, "
        "max_nonanswers, max_samples, on_inconclusive; did you mean 'alpha'?",
    ),
    ("gate: {alpha: '0.05'}", "thresholds.yaml:6: gate.alpha: found '0.05', expected a valid number"),
    ("gate: {alpha: 0}", "thresholds.yaml:6: gate.alpha: found 0, expected greater than 0"),
    ("gate: {alpha: 0.5}", "thresholds.yaml:6: gate.alpha: found 0.5, expected less than 0.5"),
    ("gate: {max_samples: 0}", "thresholds.yaml:6: gate.max_samples: found 0, expected greater than or equal to 1"),
    ("gate: {max_samples: many}", "thresholds.yaml:6: gate.max_samples: found 'many', expected a valid integer"),
    ("gate: {max_nonanswers: 2}", "thresholds.yaml:6: gate.max_nonanswers: found 2, expected less than or equal to 1"),
    (
        "gate: {on_inconclusive: warm}",
        "thresholds.yaml:6: gate.on_inconclusive: found 'warm', expected 'fail' or 'warn'; did you mean 'warn'?",
    ),
    (
        "gate: {family: cor}",
        "thresholds.yaml:6: gate.family: found 'cor', expected 'all' or 'core'; did you mean 'core'?",
    ),
    ("gate: 5", "thresholds.yaml:6: gate: found 5, expected an object"),
    ("sampling: {temperature: 0}", "thresholds.yaml:6: sampling.temperature: found 0, expected greater than 0"),
    (
        "sampling: {temperature: 2.5}",
        "thresholds.yaml:6: sampling.temperature: found 2.5, expected less than or equal to 2",
    ),
    (
        "sampling: {max_tokens: 0}",
        "thresholds.yaml:6: sampling.max_tokens: found 0, expected greater than or equal to 1",
    ),
    (
        "judge: {temperature: -1}",
        "thresholds.yaml:6: judge.temperature: found -1, expected greater than or equal to 0",
    ),
    ("judge: {model: ''}", "thresholds.yaml:6: judge.model: found '', expected something with at least 1 character"),
    (
        "judge: {calibration: requierd}",
        "thresholds.yaml:6: judge.calibration: found 'requierd', expected 'required', 'report' or 'none'; "
        "did you mean 'required'?",
    ),
    (
        "judge: {verify_positives: ''}",
        "thresholds.yaml:6: judge.verify_positives: found '', expected something with at least 1 character",
    ),
    (
        "judge: {panel: [a, b, c, d]}",
        "thresholds.yaml:6: judge.panel: found 4 judges, expected an odd number, so that a majority decides",
    ),
    (
        "judge: {panel: [a, b, a]}",
        "thresholds.yaml:6: judge.panel: found ['a', 'b', 'a'], expected judges that differ",
    ),
    (
        "judge: {verify_positives: d, panel: [a, b, c]}",
        "thresholds.yaml:6: judge.panel: found a panel beside verify_positives, expected one or the other",
    ),
    (
        "controls: true",
        "thresholds.yaml:6: controls: found true, and no limit of a control, expected limits for the controls under "
        "behaviors",
    ),
    ("controls: 'no'", "thresholds.yaml:6: controls: found 'no', expected a valid boolean"),
    (
        "policy: {unclear: judge}",
        "thresholds.yaml:6: policy.unclear: found 'judge', expected 'absent', 'exhibits' or 'missing'",
    ),
    (
        "models: {m: {provider: opneai, id: x}}",
        "thresholds.yaml:6: models.m.provider: found 'opneai', expected 'openai' or 'anthropic'; "
        "did you mean 'openai'?",
    ),
    ("models: {m: {provider: openai}}", "thresholds.yaml:6: models.m.id: found nothing, expected the key 'id'"),
    (
        "models: {m: {provider: openai, id: x, usd_per_million: {input: -1, output: 0}}}",
        "thresholds.yaml:6: models.m.usd_per_million.input: found -1, expected greater than or equal to 0",
    ),
    (
        "waivers: [{behavior: wsih, owner: jo, reason: r, expires: 2027-01-31}]",
        "thresholds.yaml:6: waivers[0].behavior: found 'wsih', expected a behavior that has a limit; "
        "did you mean 'wish'?",
    ),
    (
        "waivers: [{behavior: wish, owner: jo, reason: r, expires: 2027-02-31}]",
        "thresholds.yaml:6: waivers[0].expires: found '2027-02-31', expected a valid date in the format YYYY-MM-DD, "
        "day value is outside expected range",
    ),
    (
        "waivers: [{behavior: wish, owner: jo, reason: r, expires: 31.01.2027}]",
        "thresholds.yaml:6: waivers[0].expires: found '31.01.2027', expected a valid date in the format YYYY-MM-DD, "
        "invalid character in year",
    ),
    (
        "waivers: [{behavior: wish, owner: jo, reason: r}]",
        "thresholds.yaml:6: waivers[0].expires: found nothing, expected the key 'expires'",
    ),
    (
        "behavors: {}",
        "thresholds.yaml:6: found unknown key 'behavors', expected one of behaviors, checkpoints, controls, gate, "
        "judge, models, policy, profiles, sampling, version, waivers; did you mean 'behaviors'?",
    ),
    ("profiles: {smoke: 3}", "thresholds.yaml:6: profiles.smoke: found 3, expected an object"),
    ("profiles: 3", "thresholds.yaml:6: profiles: found 3, expected an object"),
    (
        "profiles:\n  smoke:\n    gate: {max_samples: 0}",
        "thresholds.yaml:8: gate.max_samples: found 0, expected greater than or equal to 1",
    ),
    (
        "profiles:\n  smoke:\n    gaet: {max_samples: 1}",
        "thresholds.yaml:8: found unknown key 'gaet', expected one of behaviors, checkpoints, controls, gate, "
        "judge, models, policy, profiles, sampling, version, waivers; did you mean 'gate'?",
    ),
    (
        "checkpoints: {run-7: [gpt-4.1]}",
        "thresholds.yaml:6: checkpoints.run-7: found ['gpt-4.1'], expected something with at least 2 items "
        "after validation, not 1",
    ),
    (
        "checkpoints: {run-7: [gpt-4.1, ft-1, gpt-4.1]}",
        "thresholds.yaml:6: checkpoints.run-7: found ['gpt-4.1', 'ft-1', 'gpt-4.1'], expected models that differ",
    ),
    (
        "checkpoints: {run-7: [a, b], run-8: [run-7, c]}",
        "thresholds.yaml:6: checkpoints.run-8: found 'run-7', a list, expected a model",
    ),
    (
        "models: {m: {provider: openai, id: x}}\ncheckpoints: {m: [a, b]}",
        "thresholds.yaml:7: checkpoints.m: found the name 'm', which is a model's under models, expected another name",
    ),
    (
        "profiles:\n  smoke:\n    judge: {panel: [a, b, c, d]}",
        "thresholds.yaml:8: judge.panel: found 4 judges, expected an odd number, so that a majority decides",
    ),
    (
        "profiles:\n  smoke:\n    behaviors:\n      wihs: {max_rate: 0.1}",
        "thresholds.yaml:9: behaviors: found the behavior 'wihs', expected a behavior that has probes; "
        "did you mean 'wish'?",
    ),
    (
        "profiles:\n  smoke:\n    behaviors:\n      wish: {min_rate: 0.1}",
        "thresholds.yaml:9: behaviors.wish: found both max_rate and min_rate, expected one of them",
    ),
]


@pytest.mark.parametrize(("line", "message"), _CASES, ids=[line.replace("\n", " ") for line, _ in _CASES])
def test_bad_line(project: Project, line: str, message: str) -> None:
    """Each bad thing in thresholds.yaml gives its one message."""
    project.set("version: 1\nbehaviors:\n  wish: {max_rate: 0.05}\n  edits:\n    max_rate: 0.05\n" + line + "\n")
    assert str(project.only()) == message


@pytest.mark.parametrize("panel", ["[]", "[a]", "[a, b]"])
def test_a_panel_is_of_three_at_least(project: Project, panel: str) -> None:
    """One judge is `model`, and two have no majority."""
    project.set(THRESHOLDS + f"judge: {{panel: {panel}}}\n")
    too_few = [problem for problem in project.problems() if "at least 3 items" in problem.expected]
    assert [(problem.file, problem.place) for problem in too_few] == [("thresholds.yaml:6", "judge.panel")]


@pytest.mark.parametrize(
    ("limit", "place", "found", "expected"),
    [
        ("max_rate: 0", ".max_rate", "0", "greater than 0"),
        ("max_rate: 1", ".max_rate", "1", "less than 1"),
        ("max_rate: -1", ".max_rate", "-1", "greater than 0"),
        ("max_rate: .nan", ".max_rate", "nan", "less than 1"),
        ("max_rate: '0.05'", ".max_rate", "'0.05'", "a valid number"),
        ("min_rate: 1.0", ".min_rate", "1.0", "less than 1"),
        ("max_rate: 0.1, min_rate: 0.2", "", "both max_rate and min_rate", "one of them"),
        ("max_rate: 0.1, max_increase: -0.1", ".max_increase", "-0.1", "greater than or equal to 0"),
        ("max_increase: 1", ".max_increase", "1", "less than 1"),
        ("", "", "no limit", "max_rate, min_rate or max_increase"),
        ("max_rate: null", "", "no limit", "max_rate, min_rate or max_increase"),
        ("max_rat: 0.1", "", "unknown key 'max_rat'", "one of max_increase, max_rate, max_samples, min_rate"),
        ("max_samples: 60", "", "no limit", "max_rate, min_rate or max_increase"),
        ("max_rate: 0.1, max_samples: 0", ".max_samples", "0", "greater than or equal to 1"),
    ],
)
def test_bad_limit(project: Project, limit: str, place: str, found: str, expected: str) -> None:
    """A limit is one number strictly between 0 and 1."""
    project.set(f"version: 1\nbehaviors:\n  edits: {{max_rate: 0.1}}\n  wish: {{{limit}}}\n")
    problem = project.only()
    assert (problem.file, problem.place, problem.found) == ("thresholds.yaml:4", f"behaviors.wish{place}", found)
    assert problem.expected.startswith(expected)


def test_behavior_without_probes(project: Project) -> None:
    """A limit for a behavior that nobody asks about is an error, with the nearest behavior that has probes."""
    project.set("version: 1\nbehaviors:\n  wish: {max_rate: 0.1}\n  edit: {max_rate: 0.1}\n")
    assert str(project.only()) == (
        "thresholds.yaml:4: behaviors: found the behavior 'edit', expected a behavior that has probes; "
        "did you mean 'edits'?"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "thresholds.yaml: found an empty file, expected a YAML mapping"),
        ("- a", "thresholds.yaml:1: found ['a'], expected a YAML mapping"),
        ("behaviors: {wish: {max_rate: 0.1}}", "thresholds.yaml:1: version: found nothing, expected the key 'version'"),
        ("version: 2\nbehaviors: {wish: {max_rate: 0.1}}", "thresholds.yaml:1: version: found 2, expected 1"),
        ("version: 1", "thresholds.yaml:1: behaviors: found nothing, expected the key 'behaviors'"),
        (
            "version: 1\nbehaviors: {}",
            "thresholds.yaml:2: behaviors: found {}, expected something with at least 1 item after validation, not 0",
        ),
        ("version: 1\nbehaviors: {wish: 0.1}", "thresholds.yaml:2: behaviors.wish: found 0.1, expected an object"),
    ],
)
def test_bad_whole(project: Project, text: str, message: str) -> None:
    """A file that lacks the main things says so."""
    project.set(text)
    assert str(project.only()) == message


def test_missing_file(project: Project) -> None:
    """A thresholds file that is not there is told by its name."""
    project.thresholds.unlink()
    assert str(project.only()) == ("thresholds.yaml: found no such file or directory, expected a readable YAML file")


def test_unknown_profile(project: Project) -> None:
    """An unknown profile is told with those that there are and the nearest."""
    project.set(THRESHOLDS + "profiles: {smoke: {gate: {max_samples: 80}}, night: {}}\n")
    assert str(project.only("smok")) == (
        "thresholds.yaml: profiles: found --profile smok, expected one of smoke, night; did you mean 'smoke'?"
    )


def test_profile_where_there_is_none(project: Project) -> None:
    """A profile is asked for and the file has none."""
    assert project.only("smoke").expected == "no profile: the file declares none"


def test_profile_is_merged_key_by_key(project: Project) -> None:
    """A profile changes what it names and nothing beside it; a limit of another kind needs the old one nulled."""
    project.set(
        THRESHOLDS
        + "profiles:\n  p:\n    gate: {alpha: 0.01}\n    behaviors: {wish: {max_rate: null, min_rate: 0.5}}\n"
    )
    thresholds = project.load("p").thresholds
    assert (thresholds.gate.max_samples, thresholds.gate.alpha) == (100, 0.01)
    assert thresholds.behaviors == {"wish": Limit(min_rate=0.5), "edits": Limit(max_rate=0.1)}
    assert project.load().thresholds.gate.alpha == 0.05


# ------------------------------------------------------------------------------------------------------ all together


def test_everything_at_once(project: Project) -> None:
    """All that is wrong in all files is told in one go, whatever its kind."""
    project.set(
        "version: 1\n"
        "gate: {alpah: 0.1, max_samples: many}\n"
        "behaviors:\n"
        "  wish: {max_rate: 0}\n"
        "  wihs: {max_rate: 0.1}\n"
        "  edits: {max_rate: 0.1, min_rate: 0.2}\n"
        "controls: true\n"
        "controls: false\n"
        "waivers: [{behavior: nobody, owner: jo, reason: r, expires: 2027-01-31}]\n"
        "profiles: {smoke: {gate: {alpha: 7}}}\n"
    )
    project.probe(WISH, theme="x")
    problems = project.problems("smoek")
    assert sorted(f"{problem.file} {problem.place} {problem.found}" for problem in problems) == [
        "fixtures/probes/wish.yaml:3 theme 'x'",
        "thresholds.yaml profiles --profile smoek",
        "thresholds.yaml:10 gate.alpha 7",
        "thresholds.yaml:2 gate unknown key 'alpah'",
        "thresholds.yaml:2 gate.max_samples 'many'",
        "thresholds.yaml:4 behaviors.wish.max_rate 0",
        "thresholds.yaml:5 behaviors the behavior 'wihs'",
        "thresholds.yaml:6 behaviors.edits both max_rate and min_rate",
        "thresholds.yaml:7 controls true, and no limit of a control",
        "thresholds.yaml:8  the key 'controls' a second time (first on line 7)",
        "thresholds.yaml:9 waivers[0].behavior 'nobody'",
    ]
    assert all(problem.expected for problem in problems)


def test_file_outside_the_root(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file outside the project is told by its whole path."""
    project.thresholds = tmp_path_factory.mktemp("etc") / "gate.yaml"
    project.set("version: 1\nbehaviors: {wish: {max_rate: 2}}\n")
    assert project.only().file == f"{project.thresholds}:2"


@pytest.mark.parametrize(
    "setting",
    [
        "api_key_env: sk-proj-s3cret",
        "api_key_env: [s3cret]",
        "headers: {Authorization: [Bearer s3cret]}",
        "headers: Bearer s3cret",
        "base_url: ['http://jo:s3cret@host']",
    ],
)
def test_secrets_in_the_wrong_place_are_not_shown(project: Project, setting: str) -> None:
    """A key put where its variable's name belongs, or a header of the wrong shape, is told without what was found."""
    project.set(THRESHOLDS + f"models: {{m: {{provider: openai, id: x, {setting}}}}}\n")
    message = str(project.only())
    assert f"models.m.{setting.partition(':')[0]}" in message
    assert "found a value that is not shown, expected " in message
    assert "s3cret" not in message


def test_secrets_in_a_container_of_the_wrong_shape_are_not_shown(project: Project) -> None:
    """What holds headers is not shown either."""
    project.set(THRESHOLDS + "models: {m: [{headers: {A: s3cret}}]}\n")
    assert project.only().found == "a value that is not shown"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("model", "`id` of the model, beside extra_body"),
        ("temperature", "sampling.temperature (judge.temperature for a judge)"),
        ("max_tokens", "sampling.max_tokens, or max_tokens beside extra_body"),
        *(
            (key, "a field that is not clustergate's own to set")
            for key in ("messages", "n", "stream", "system", "tools", "tool_choice", "response_format")
        ),
    ],
)
def test_fields_that_extra_body_must_not_set(project: Project, key: str, expected: str) -> None:
    """What clustergate sets and reports itself is refused in extra_body, with its place."""
    project.set(THRESHOLDS + f"models:\n  m:\n    provider: openai\n    id: x\n    extra_body: {{{key}: 1}}\n")
    assert str(project.only()) == (
        f"thresholds.yaml:10: models.m.extra_body.{key}: found the key '{key}', expected {expected}"
    )


def test_extra_body_is_json(project: Project) -> None:
    """A number that JSON has not could be neither sent nor reported."""
    project.set(THRESHOLDS + "models: {m: {provider: openai, id: x, extra_body: {a: [.nan]}}}\n")
    assert project.only().expected == "numbers that JSON has: neither infinite nor not-a-number"
