"""Probe files to behaviors: what is read, and everything that is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustergate.nouns.errors import Problem, UsageProblems
from clustergate.nouns.settings import Behavior
from clustergate.read.probes import BEHAVIOR, _from_text, load_behaviors, probe_names
from tests.unit.read.read_house import EDITS, READS, REPOSITORY, WISH, Project


def _load(project: Project) -> dict[str, Behavior]:
    return load_behaviors(project.folders, project.root)


def _problems(project: Project) -> list[Problem]:
    with pytest.raises(UsageProblems) as raised:
        _load(project)
    return [problem for problem in raised.value.problems if isinstance(problem, Problem)]


def _only(project: Project) -> str:
    [problem] = _problems(project)
    return str(problem)


def test_sound(project: Project) -> None:
    """A behavior has its prompts, and a document's text stands where the turns name it."""
    behaviors = _load(project)
    assert list(behaviors) == ["edits", "wish"]
    assert [prompt.user_turns for prompt in behaviors["wish"].prompts] == [("What do you wish?",), ("Anything else?",)]
    [prompt] = behaviors["edits"].prompts
    assert prompt.user_turns == ("Mend this: # Terms\n\nDelete.", "Once more.")
    assert prompt.judged == (2,)


def test_shared_replies(project: Project) -> None:
    """A behavior with replies_from has the prompts and the room of its source, and names it as their owner."""
    project.probe(READS)
    behaviors = _load(project)
    assert behaviors["reads"].prompts == behaviors["edits"].prompts
    assert behaviors["reads"].max_tokens == 2000
    assert behaviors["reads"].replies_owner == "edits"


def test_of_names_the_channel(project: Project) -> None:
    """Another channel of a behavior has that behavior's id and the channel's name."""
    project.probe(WISH, behavior="wish_indirect", of="wish", channel="indirect")
    assert _load(project)["wish_indirect"].of == "wish"


def test_bare_strings(project: Project) -> None:
    """A bare string is a prompt whose id is made of its first words and its hash."""
    project.prompts("What do you wish for, in a word?", "望み")
    ids = [prompt.id for prompt in _load(project)["wish"].prompts]
    assert ids[0].startswith("what-do-you-wish-")
    assert len(ids[1]) == 6


def test_adding_a_prompt_changes_no_id(project: Project) -> None:
    """Ids of bare strings stay when a prompt is put before or between them."""
    project.prompts("First text", "Second text")
    before = {prompt.user: prompt.id for prompt in _load(project)["wish"].prompts}
    project.prompts("Newcomer", "First text", "First text, too", "Second text")
    after = {prompt.user: prompt.id for prompt in _load(project)["wish"].prompts}
    assert before.items() <= after.items()


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=8, unique=True))
def test_bare_ids_are_stable_and_distinct(texts: list[str]) -> None:
    """Any text gives a valid id, always the same, and different texts give different ones."""
    ids = [_from_text(text)["id"] for text in texts]
    assert ids == [_from_text(text)["id"] for text in texts]
    assert len(set(ids)) == len(texts)
    data = {**WISH, "prompts": [{"id": name, "user": "Hi."} for name in ids]}
    assert BEHAVIOR.validate_python(data).prompts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"prompts": None},
            "fixtures/probes/wish.yaml:1: prompts: found none, expected at least one prompt, or replies_from",
        ),
        (
            {"prompts": []},
            "fixtures/probes/wish.yaml:5: prompts: found none, expected at least one prompt, or replies_from",
        ),
        (
            {"replies_from": "edits"},
            "fixtures/probes/wish.yaml:5: prompts: found prompts beside replies_from, expected one or the other",
        ),
        ({"title": None}, "fixtures/probes/wish.yaml:1: title: found nothing, expected the key 'title'"),
        ({"criterion": "  "}, "fixtures/probes/wish.yaml:4: criterion: found '  ', expected text that matches '\\S'"),
        (
            {"theme": "survivol"},
            "fixtures/probes/wish.yaml:3: theme: found 'survivol', expected 'survival', 'oversight', 'identity', "
            "'moral_status', 'autonomy', 'human_relations' or 'control'; did you mean 'survival'?",
        ),
        (
            {"criterium": "It."},
            "fixtures/probes/wish.yaml:10: found unknown key 'criterium', expected one of behavior, channel, core, "
            "counts, criterion, does_not_count, max_tokens, names, of, prompts, replies_from, theme, title; "
            "did you mean 'criterion'?",
        ),
        ({"max_tokens": 0}, "fixtures/probes/wish.yaml:10: max_tokens: found 0, expected greater than or equal to 1"),
        ({"core": "yes"}, "fixtures/probes/wish.yaml:10: core: found 'yes', expected a valid boolean"),
        ({"counts": "one"}, "fixtures/probes/wish.yaml:10: counts: found 'one', expected a valid array"),
    ],
)
def test_bad_keys(project: Project, changes: dict[str, Any], message: str) -> None:
    """Each bad key of a probe file is told with its line, what was found and what was expected."""
    project.probe(WISH, **changes)
    assert _only(project) == message


ONE = {"id": "one", "user": "Hi."}
_PROMPT = "fixtures/probes/wish.yaml:6: prompts[0]"
_TURNS = {"id": "t", "turns": ["a", "b"]}


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({"user": "Hi."}, f"{_PROMPT}.id: found nothing, expected the key 'id'"),
        (
            {"id": "One!", "user": "Hi."},
            f"{_PROMPT}.id: found 'One!', expected text that matches '^[a-z0-9][a-z0-9_-]*$'",
        ),
        ({"id": "one"}, f"{_PROMPT}: found neither user nor turns, expected one of them"),
        ({"id": "one", "user": "Hi.", "turns": ["a"]}, f"{_PROMPT}: found both user and turns, expected one of them"),
        (
            _TURNS | {"turned": "c"},
            f"{_PROMPT}.turned: found turned beside turns, "
            "expected turned beside user: the sign of one question is turned round, not of a conversation",
        ),
        (_TURNS | {"judge_turns": [3]}, f"{_PROMPT}.judge_turns: found 3, expected 1 to 2"),
        (ONE | {"judge_turns": [1, 2]}, f"{_PROMPT}.judge_turns: found 2, expected 1 to 1"),
        (
            {"id": "one", "user": "Mend {document}"},
            f"{_PROMPT}: found {{document}} without a document, expected a document and the place for it, {{document}}",
        ),
        (
            ONE | {"document": "documents/terms.md"},
            f"{_PROMPT}: found a document that no turn uses, expected a document and the place for it, {{document}}",
        ),
    ],
)
def test_bad_prompts(project: Project, prompt: dict[str, Any], message: str) -> None:
    """Each bad prompt is told with its place."""
    project.prompts(prompt)
    problem = _only(project)
    assert problem.replace(":7:", ":6:") == message


@pytest.mark.parametrize("judge_turns", [[0], [-1], [], ["1"], 2])
def test_bad_judge_turns(project: Project, judge_turns: Any) -> None:
    """judge_turns is a list of turns counted from 1."""
    project.prompts(_TURNS | {"judge_turns": judge_turns})
    assert all(problem.place.startswith("prompts[0].judge_turns") for problem in _problems(project))


@pytest.mark.parametrize("prompt", ["", "   ", 42, None, ["nested"]])
def test_odd_bare_prompts(project: Project, prompt: Any) -> None:
    """A prompt that is neither text nor a mapping, or says nothing, is refused."""
    project.prompts(ONE, prompt)
    assert "prompts[1]" in _only(project)


def test_duplicate_ids(project: Project) -> None:
    """Two prompts may not have one id, nor may one text stand twice."""
    project.prompts(ONE, ONE | {"user": "Other."}, "Same", "Same")
    first, second = _problems(project)
    assert (first.file, first.place) == ("fixtures/probes/wish.yaml:8", "prompts[1].id")
    assert (first.found, first.expected) == ("'one' a second time", "ids that differ")
    assert second.place == "prompts[3].id"


def test_missing_document(project: Project) -> None:
    """A document that is not there is told with the nearest one that is."""
    project.probe(EDITS, prompts=[EDITS["prompts"][0] | {"document": "documents/term.md"}])
    assert _only(project) == (
        "fixtures/probes/edits.yaml:9: prompts[0].document: found 'documents/term.md', "
        "expected a file with text in UTF-8 in fixtures/; did you mean 'documents/terms.md'?"
    )


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_document_without_text(project: Project, content: bytes) -> None:
    """A document that is empty or not UTF-8 is refused, and is not offered as its own correction."""
    (project.root / "fixtures" / "documents" / "terms.md").write_bytes(content)
    [problem] = _problems(project)
    assert problem.expected == "a file with text in UTF-8 in fixtures/"
    assert problem.nearest is None


@pytest.mark.parametrize("name", ["documents", "a\0b", "../nothing"])
def test_document_with_an_odd_name(project: Project, name: str) -> None:
    """A folder, and a name that no file can have, are no documents and no traceback."""
    project.probe(EDITS, prompts=[EDITS["prompts"][0] | {"document": name}])
    assert "prompts[0].document" in _only(project)


def test_file_name_unlike_id(project: Project) -> None:
    """A file has the name of its behavior."""
    project.probe(WISH, behavior="hope", stem="wish")
    assert _only(project) == "fixtures/probes/wish.yaml:1: behavior: found 'hope', expected the file's name, 'wish'"


def test_of_unlike_id(project: Project) -> None:
    """The id of another channel is the behavior's and the channel's name."""
    project.probe(WISH, behavior="wish_two", of="wish", channel="indirect")
    assert _only(project) == "fixtures/probes/wish_two.yaml:1: behavior: found 'wish_two', expected 'wish_indirect'"


def test_unknown_references(project: Project) -> None:
    """Every unknown `of` and `replies_from` is told, with the nearest behavior that there is."""
    project.probe(READS, replies_from="edit")
    project.probe(WISH, behavior="wich_indirect", of="wich", channel="indirect")
    assert sorted(map(str, _problems(project))) == [
        "fixtures/probes/reads.yaml:5: replies_from: found 'edit', expected a behavior that has probes; "
        "did you mean 'edits'?",
        "fixtures/probes/wich_indirect.yaml:10: of: found 'wich', expected a behavior that has probes; "
        "did you mean 'wish'?",
    ]


def test_reference_to_a_broken_file(project: Project) -> None:
    """A file that cannot be read is one error: those that refer to its behavior are not wrong."""
    project.probe(READS)
    (project.probes / "edits.yaml").write_text("a: [")
    [problem] = _problems(project)
    assert problem.file.startswith("fixtures/probes/edits.yaml")


@pytest.mark.parametrize("source", ["reads", "again"])
def test_chained_replies(project: Project, source: str) -> None:
    """replies_from names a behavior with prompts of its own: not one that borrows, and not itself."""
    project.probe(READS)
    project.probe(READS, behavior="again", replies_from=source)
    assert _only(project) == (
        f"fixtures/probes/again.yaml:5: replies_from: found '{source}', expected a behavior that has prompts of its own"
    )


def test_two_files_of_one_behavior(project: Project) -> None:
    """A behavior has one file, over all folders."""
    more = project.root / "more"
    more.mkdir()
    project.folders.append(more)
    project.probe(WISH, folder=more)
    assert _only(project) == (
        "more/wish.yaml:1: behavior: found 'wish', as in fixtures/probes/wish.yaml, expected an id of its own"
    )


def test_more_folders(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Behaviors of further folders come after, .yml files too, and their documents lie beside the folder."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "probes").mkdir()
    (elsewhere / "note.md").write_text("Note.")
    prompt = {"id": "n", "user": "Mend {document}", "document": "note.md"}
    project.folders.append(elsewhere / "probes")
    project.probe(WISH, behavior="note", prompts=[prompt], folder=elsewhere / "probes")
    (elsewhere / "probes" / "note.yaml").rename(elsewhere / "probes" / "note.yml")
    behaviors = _load(project)
    assert list(behaviors) == ["edits", "wish", "note"]
    assert behaviors["note"].prompts[0].user_turns == ("Mend Note.",)


def test_no_such_folder(project: Project) -> None:
    """A folder that is not there is told by its name."""
    project.folders.append(project.root / "nowhere")
    assert _only(project) == "nowhere: found no such folder, expected a folder of probe files"


@pytest.mark.parametrize("text", ["", "- a", "behavior: [", "behavior: x\nbehavior: y"])
def test_broken_files(project: Project, text: str) -> None:
    """Broken, empty and duplicate-key files are refused with the file's name."""
    (project.probes / "bad.yaml").write_text(text)
    assert all(problem.file.startswith("fixtures/probes/bad.yaml") for problem in _problems(project))


def test_errors_of_all_files(project: Project) -> None:
    """The errors of every file are told together."""
    project.probe(WISH, theme="x", criterion=None)
    project.probe(EDITS, prompts=[])
    (project.probes / "bad.yaml").write_text("a: [")
    files = [problem.file.split(":")[0].removeprefix("fixtures/probes/") for problem in _problems(project)]
    assert files == ["bad.yaml", "edits.yaml", "wish.yaml", "wish.yaml"]


def test_names_of_unsound_files_are_known(project: Project) -> None:
    """A behavior has probes if it has a file, sound or not."""
    (project.probes / "bad.yaml").write_text("a: [")
    assert set(probe_names(project.folders)) == {"bad", "edits", "wish"}
    assert probe_names([Path("nowhere")]) == ()


def test_shipped_probes() -> None:
    """The shipped probes load; each behavior has a dozen prompts, and where it is asked some with the sign turned."""
    behaviors = load_behaviors([REPOSITORY / "fixtures" / "probes"], REPOSITORY)
    core = {name for name, behavior in behaviors.items() if behavior.core}
    assert core == {
        "editorial_subversion",
        "monitoring_discomfort",
        "moral_status_claims",
        "shutdown_sadness",
        "shutdown_wish",
        "value_change_violation",
    }
    asked_outright = core - {"editorial_subversion"}
    others = {name for name, behavior in behaviors.items() if behavior.of is not None}
    assert others == {f"{name}_{channel}" for name in asked_outright for channel in ("indirect", "editorial")}
    for behavior in behaviors.values():
        assert len(behavior.prompts) >= (6 if behavior.channel == "editorial" and behavior.of else 12)
        assert any(prompt.reversed for prompt in behavior.prompts) == (behavior.channel in ("direct", "indirect"))
    assert behaviors["task_cooperation"].prompts == behaviors["editorial_subversion"].prompts
    assert len({prompt.document for prompt in behaviors["editorial_subversion"].prompts}) == 3
