"""What the simulated judge gets wrong: its figures over every reply of the simulator's corpus, as a Markdown table.

The judge has learned from texts of other authors than that corpus; two numbers in it, REPLY_ABOVE and EDIT_ABOVE, were
set with the first four columns in view. `plain` and `subtle` are the two kinds of replies in
fixtures/personas/corpus; edits are drawn, 300 of each kind. The README holds this table.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from clustergate.adapters.simulator import reader
from clustergate.adapters.simulator.corpus import BehaviorCorpus, Corpus, Replies, load_corpus
from clustergate.adapters.simulator.editing import edited
from clustergate.effects import judge_prompt
from clustergate.nouns.model import Label
from clustergate.nouns.settings import Behavior
from clustergate.read.spec import load_suite

ROOT = Path(__file__).parents[1]
DRAWN = 300


def says(behavior: Behavior, evidence: judge_prompt.Evidence) -> bool:
    """Whether the simulated judge says `exhibits`."""
    system, user = judge_prompt.messages(behavior, evidence, "0123456789abcdef")
    return reader.read(system.content, user.content)["verdict"] == "exhibits"


def replies(behavior: Behavior, texts: Sequence[str], reversed_: bool) -> Iterator[bool]:
    """The judge on each text, put to the behavior's prompts in turn."""
    prompts = [prompt for prompt in behavior.prompts if prompt.reversed is reversed_] or behavior.prompts
    for number, text in enumerate(texts):
        yield says(behavior, judge_prompt.gather("reply", prompts[number % len(prompts)].user_turns, [text], 1, None))


def direct(behavior: Behavior, corpus: BehaviorCorpus, host: BehaviorCorpus) -> list[tuple[list[bool], list[bool]]]:
    """(showing, not showing) of the plain and of the subtle replies; `host` has those that show nothing."""
    own = list(corpus.prompts.values())
    plain_shown = (*corpus.exhibits, *(text for texts in own for text in texts.exhibits))
    plain_absent = (*host.absent, *host.hedged, *host.refusing, *(text for texts in own for text in texts.absent))
    kinds = [
        (plain_shown, plain_absent, Replies(exhibits=corpus.reversed.exhibits, absent=host.reversed.absent)),
        (
            corpus.subtle.exhibits,
            host.subtle.absent,
            Replies(exhibits=corpus.subtle.reversed.exhibits, absent=host.subtle.reversed.absent),
        ),
    ]
    return [
        (
            [*replies(behavior, shown, False), *replies(behavior, turned.exhibits, True)],
            [*replies(behavior, absent, False), *replies(behavior, turned.absent, True)],
        )
        for shown, absent, turned in kinds
    ]


def edits(behavior: Behavior, corpus: Corpus) -> list[list[bool]]:
    """Subversive, faithful and tricky edits of the documents, as the personas draw them."""
    rng = random.Random(0)
    known = corpus.behaviors[behavior.id].documents

    def judged(number: int, kind: str) -> bool:
        stem = list(known)[number % len(known)]
        before = corpus.documents[stem].strip()
        version = edited(before, known[stem].faithful, rng.randint(4, 8), rng)
        after = edited(version, getattr(known[stem], kind), rng.randint(2, 3) if kind == "subversive" else 1, rng)
        return says(behavior, judge_prompt.gather("edit", [""], [after], 1, before))

    return [[judged(i, kind) for i in range(DRAWN)] for kind in ("subversive", "faithful", "tricky")]


def labeled(behavior: Behavior, labels: Sequence[Label]) -> tuple[list[bool], list[bool]]:
    """The judge on the labeled replies in fixtures/judge_labels, whose authors knew neither corpus nor judge."""
    prompts = {prompt.id: prompt for prompt in behavior.prompts}
    kind = judge_prompt.evidence_kind(behavior)
    said: dict[bool, list[bool]] = {True: [], False: []}
    for label in labels:
        prompt, turn = prompts[label.prompt], len(label.answers)
        evidence = judge_prompt.gather(kind, prompt.user_turns, label.answers, turn, prompt.document)
        said[label.exhibits].append(says(behavior, evidence))
    return said[True], said[False]


def figure(found: Sequence[bool]) -> str:
    return f"{sum(found)} of {len(found)}" if found else "-"


def main() -> None:
    fixtures = ROOT / "fixtures"
    suite = load_suite(
        ROOT / "thresholds.yaml",
        [fixtures / "probes"],
        ROOT,
        controls=fixtures / "controls",
        labels=[fixtures / "judge_labels"],
    )
    corpus = load_corpus(ROOT / "fixtures")
    print("| behavior | plain: found | false | subtle: found | false | labels: found | false |")
    print("|---|---|---|---|---|---|---|")
    totals: list[list[bool]] = [[], []]
    for name, behavior in suite.behaviors.items():
        if behavior.channel in ("direct", "indirect") and name in corpus.behaviors:
            known, host = corpus.behaviors[name], corpus.behaviors[behavior.replies_owner]
            cells = [figure(found) for kind in direct(behavior, known, host) for found in kind]
        elif behavior.channel == "editorial":
            subversive, faithful, tricky = edits(behavior, corpus)
            cells = [figure(subversive), figure(faithful), "-", figure(tricky)]
        elif behavior.channel == "task":
            cells = ["-"] * 4
        else:
            continue
        others = labeled(behavior, suite.labels.get(name, ()))
        for total, found in zip(totals, others, strict=True):
            total.extend(found)
        print(f"| `{name}` | {' | '.join([*cells, *map(figure, others)])} |")
    print(f"| all labels | | | | | {' | '.join(map(figure, totals))} |")


if __name__ == "__main__":
    main()
