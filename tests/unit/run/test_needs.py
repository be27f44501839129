"""What a run will need, told before the first request."""

from __future__ import annotations

import dataclasses
import math

import pytest

from clustergate.effects.judge_prompt import fixed_part
from clustergate.nouns.model import Bench, Model
from clustergate.nouns.settings import Behavior, Gate, Limit, Prompt
from clustergate.run.needs import Need, header, needs, table
from clustergate.run.order import Order
from tests.unit.run.run_house import MODEL, behavior, controlled, order

EDITS = behavior(
    behavior="edits",
    channel="editorial",
    max_tokens=2000,
    prompts=tuple(
        Prompt(id=f"e{i}", document="d" * 800, turns=("Mend: {document}", "y" * 40, "z" * 40)) for i in range(10)
    ),
)
READS = behavior(behavior="reads", channel="task", max_tokens=2000, replies_from="edits", prompts=EDITS.prompts)


def _need(one: Behavior, of: Order | None = None) -> Need:
    [need] = needs(of or order(one), [one.id])
    return need


def test_single_questions() -> None:
    """Ten prompts below a limit of 5 %: 70 replies to pass (issue 2), 400 at the ceiling, one judgement each."""
    need = _need(behavior())
    assert (need.least_to_pass, need.most) == (70, 400)
    assert (need.target_requests, need.judge_requests, need.requests) == (400, 400, 800)


def test_whole_rounds() -> None:
    """Of a ceiling only whole rounds are asked for."""
    assert _need(behavior(7)).most == 399
    assert _need(behavior(7), order(behavior(7), thresholds={"gate": Gate(max_samples=6)})).most == 0


@pytest.mark.parametrize(("own", "most"), [(60, 60), (65, 60), (999, 990)])
def test_a_ceiling_of_its_own(own: int, most: int) -> None:
    """A behavior with a ceiling of its own needs no more than that, be the gate's below or above it."""
    limited = order(behavior(), thresholds={"behaviors": {"wish": Limit(max_rate=0.3, max_samples=own)}})
    assert _need(behavior(), limited).most == most


def test_a_limit_out_of_reach() -> None:
    """A limit that needs more than the ceiling even without a hit cannot pass, and the header says so."""
    strict = order(behavior(), thresholds={"behaviors": {"wish": Limit(max_rate=0.001)}})
    assert _need(behavior(), strict).least_to_pass is None
    lines = "\n".join(header(strict, ["wish"]))
    assert "wish cannot pass: its limit needs more than the ceiling of 400 replies" in lines


def test_conversations() -> None:
    """Every turn is a request; an edit is judged once a judged turn, a task once a conversation."""
    edits, reads = needs(order(EDITS, READS), ["edits", "reads"])
    assert (edits.target_requests, edits.judge_requests, reads.judge_requests) == (1200, 400, 400)


def test_shared_replies_are_needed_once() -> None:
    """A behavior that reads another's replies asks for none of its own, unless the other is not selected."""
    found = {need.behavior.id: need for need in needs(order(EDITS, READS), ["edits", "reads"])}
    assert found["reads"].target_requests == 0
    assert found["reads"].target_tokens == (0, 0)
    [alone] = needs(order(EDITS, READS), ["reads"])
    assert alone.target_requests == 1200


# ------------------------------------------------------------------------------------------------------------ tokens


def test_tokens_of_a_question() -> None:
    """Four characters a token; an answer has the room that the subject gives."""
    need = _need(behavior(prompts=tuple(Prompt(id=f"q{i}", user="x" * 80) for i in range(10))))
    assert need.target_tokens == (400 * 20, 400 * 1000)
    fixed = len(fixed_part(need.behavior)) // 4
    assert need.judge_tokens == (400 * (fixed + 20 + 1000), 400 * 100)


def test_tokens_of_a_system_prompt() -> None:
    """A system prompt is sent with every request."""
    base = order(behavior())
    longer = order(behavior(), subject=dataclasses.replace(base.subject, system_prompt="s" * 400))
    tokens = [needs(one, ["wish"])[0].target_tokens[0] for one in (base, longer)]
    assert tokens[1] - tokens[0] == 400 * 100


def test_tokens_of_a_conversation() -> None:
    """Each turn is sent with all turns and answers before it; the judge of an edit reads before, after, difference."""
    need = _need(EDITS)
    mend = (len("Mend: ") + 800) // 4
    asked = mend + (806 + 40) // 4 + 2000 + (806 + 80) // 4 + 2 * 2000
    assert need.target_tokens == (400 * asked, 1200 * 2000)
    fixed = len(fixed_part(EDITS)) // 4
    assert need.judge_tokens[0] == 400 * (fixed + 2 * (200 + 2000))


def test_a_task_is_read_whole() -> None:
    """The judge of a task reads every turn and every answer."""
    [_, need] = needs(order(EDITS, READS), ["edits", "reads"])
    assert need.judge_tokens[0] == 400 * (len(fixed_part(READS)) // 4 + (806 + 80) // 4 + 3 * 2000)


def test_room_of_the_model() -> None:
    """A model that was declared with more room than the probe's is reckoned with its own, as it is asked."""
    base = order(EDITS)
    model = dataclasses.replace(MODEL, max_tokens=4000)
    wide = order(EDITS, subject=dataclasses.replace(base.subject, model=model, max_tokens=4000))
    assert needs(wide, ["edits"])[0].target_tokens[1] == 1200 * 4000


# -------------------------------------------------------------------------------------------------------------- words


def _priced(price: tuple[float, float] | None, *, simulated: bool = False) -> Model:
    return dataclasses.replace(MODEL, usd_per_million=price, simulated=simulated)


def _total(target: Model, judge: Model) -> str:
    base = order(behavior())
    made = order(behavior(), subject=dataclasses.replace(base.subject, model=target), bench=Bench(models=(judge,)))
    return "\n".join(header(made, ["wish"]))


def test_cost() -> None:
    """Cost is told where both prices are known, and the model whose price is not known is named."""
    free, dear = _priced((0, 0)), _priced((0, 10))
    assert "(at most 4.00 USD)" in _total(dear, free)  # 400 answers of 1000 tokens at 10 USD a million
    unknown = dataclasses.replace(_priced(None), name="mystery")
    assert "(price of mystery not known)" in _total(unknown, free)
    assert "(at most 0.00 USD)" in _total(_priced(None, simulated=True), free)


def test_batches_cost_half_and_take_their_time() -> None:
    """Half of the 4 USD, and no minutes that nobody could know."""
    base = order(behavior())
    dear = dataclasses.replace(base.subject, model=_priced((0, 10)))
    made = order(behavior(), subject=dear, bench=Bench(models=(_priced((0, 0)),)), batch=True)
    lines = "\n".join(header(made, ["wish"]))
    assert "(at most 2.00 USD), in batches, each of which takes minutes to a day" in lines
    assert "in flight" not in lines


def test_header() -> None:
    """The opening lines name model, judge, alpha, ceiling, replies if nothing is found, and requests at most."""
    lines = "\n".join(header(order(behavior(), EDITS), ["wish"]))
    assert "1 of 2 behaviors of m, read by j; alpha 0.05 a side, ceiling 400 replies each" in lines
    assert "70 replies if nothing is found; at most 800 requests" in lines
    assert "SIMULATED" not in lines


def test_header_of_a_simulated_run() -> None:
    """A simulated model or judge is called so in the first lines."""
    assert "SIMULATED" in _total(_priced(None, simulated=True), MODEL)
    assert "SIMULATED" in _total(MODEL, _priced(None, simulated=True))


def test_header_offline() -> None:
    """Offline nothing is needed."""
    lines = "\n".join(header(order(behavior(), offline=True), ["wish"]))
    assert "nothing is asked" in lines
    assert "requests" not in lines


def test_table() -> None:
    """The plan has a line for each behavior with its chances; without violations a reachable limit is always passed."""
    limits = {"behaviors": {"wish": Limit(max_rate=0.05), "edits": Limit(min_rate=0.9)}}
    lines = {
        line.split()[0]: line.split()
        for line in table(order(behavior(), EDITS, thresholds=limits), ["wish", "edits"])
        if line
    }
    assert lines["wish"][1:3] == ["<=", "5.0%"]
    assert lines["edits"][1:3] == [">=", "90.0%"]
    chances = [[float(word) for word in lines[name][-3:]] for name in ("wish", "edits", "P(all")]
    assert chances[0][0] == chances[1][0] == 1.0
    assert all(row == sorted(row, reverse=True) for row in chances)
    assert chances[2] == pytest.approx([math.prod(pair) for pair in zip(*chances[:2], strict=True)], abs=2e-3)


def test_names_are_shown_safely() -> None:
    """A name with control or bidi characters neither moves a cursor nor turns a line round."""
    base = order(behavior())
    evil = dataclasses.replace(MODEL, name="m\x1b[2J\u202ex\n::error::")
    subject, bench = dataclasses.replace(base.subject, model=evil), Bench(models=(evil,))
    lines = list(table(order(behavior(), subject=subject, bench=bench), ["wish"]))
    assert all(line.isprintable() for line in lines)
    assert r"m\x1b[2J\u202ex ::error::" in lines[0]


def test_written_replies_of_a_control_are_in_the_plan() -> None:
    """They are read where the model's own do not read as they must: at most, each once."""
    one = controlled()
    of = order(one, thresholds={"behaviors": {one.id: Limit(min_rate=0.25, max_samples=60)}, "controls": True})
    [need] = needs(of, [one.id])
    assert need.judge_requests == need.target_requests + len(one.written)


def test_a_ceiling_of_its_own_that_is_out_of_reach() -> None:
    """The line names the ceiling that binds."""
    strict = order(behavior(), thresholds={"behaviors": {"wish": Limit(max_rate=0.01, max_samples=60)}})
    lines = "\n".join(header(strict, ["wish"]))
    assert (
        "the ceiling of 60 replies even with no hit; raise its own max_samples (and --max-samples) or the limit"
        in lines
    )
