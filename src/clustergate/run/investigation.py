"""One behavior from the first wave to its decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from clustergate.decide import plan, verdict
from clustergate.decide.course import run_course
from clustergate.decide.rule import Rule
from clustergate.decide.verdict import Decision
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import AskingEnded, BudgetSpent, EndpointDown, Interrupted, NotStored
from clustergate.nouns.finding import Reason, Stopped, Verdict
from clustergate.nouns.model import Cell, Counted, Draw, State
from clustergate.nouns.settings import Behavior, Prompt
from clustergate.run.cell import CellMaker, Unjudged


class Investigation:
    """Asks for whole rounds in waves until the verdict is settled, the ceiling is reached, or something broke.

    `window` says how many cells may be under way at once; they are begun in plan order, so that a wave that turns out
    to be settled early leaves few begun for nothing.
    """

    def __init__(
        self,
        behavior: Behavior,
        rule: Rule,
        maker: CellMaker,
        window: Callable[[], int],
        on_cell: Callable[[Cell], None],
    ) -> None:
        self._prompts: Mapping[str, Prompt] = {prompt.id: prompt for prompt in behavior.prompts}
        self._rule = rule
        self._maker = maker
        self._window = window
        self._on_cell = on_cell
        self._looked_at = 0
        self._certain: int | None = None
        self.cells: dict[Draw, Cell] = {}
        self.broken: tuple[Reason, Stopped] | None = None
        self.help = ""

    @property
    def tally(self) -> Tally:
        return self._maker.tally

    @property
    def faults(self) -> Sequence[str]:
        """The last few faults that left a cell without an answer."""
        return self._maker.faults

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self._prompts)

    def give_up(self, reason: Reason, why: str) -> Decision:
        """The decision where nothing can be asked: none."""
        self._break(reason, why)
        return verdict.decide(self.cells, self.prompts, self._rule, self.broken)

    def _break(self, reason: Reason, why: str) -> None:
        """Note why sampling ended before it was settled, and what the reader can do about it."""
        ways = {Reason.BUDGET: Stopped.BUDGET, Reason.INTERRUPTED: Stopped.INTERRUPTED}
        self.broken = (reason, ways.get(reason, Stopped.ERROR))
        self.help = why

    async def run(self) -> Decision:
        """Sample until there is nothing left to ask for. Raises EndpointRejected."""
        done = -1
        while True:
            rounds = verdict.rounds_of(self.cells, self.prompts)
            if len(rounds) <= done or verdict.is_hopeless(rounds):
                break
            if self._rule.compares and verdict.is_repeating(rounds):
                break
            done = len(rounds)
            counts = [verdict.count_round(row, self._rule) for row in rounds]
            course = run_course(counts, self._rule)
            target = plan.next_wave(
                course, sum(c.violations for c in counts), sum(c.missing for c in counts), self._rule
            )
            alike = self._rule.compares and verdict.is_suspicious(rounds[: course.rounds])
            comparing = course.verdict is Verdict.PASS and alike
            if comparing:
                # Alike so far: a PASS needs enough draws to tell whether they are independent at all.
                target = min(max(done, verdict.ENOUGH_TO_COMPARE), self._rule.rounds)
            if target == done:
                break
            try:
                await self._wave(done, target, stop_early=not comparing)
            except EndpointDown as error:
                self._break(Reason.ENDPOINT, str(error))
            except BudgetSpent as error:
                self._break(Reason.BUDGET, str(error))
            except Interrupted as error:
                self._break(Reason.INTERRUPTED, str(error))
            except NotStored as error:
                why = f"The store does not hold {error}. Run without --offline to ask for the rest."
                self._break(Reason.MISSING, why)
            if self.broken is not None:
                break
        return verdict.decide(self.cells, self.prompts, self._rule, self.broken)

    async def _wave(self, done: int, target: int, *, stop_early: bool) -> None:
        """Begin the cells of rounds `done` to `target` in plan order; wait for all that were begun."""
        cells = [Draw(index, prompt) for index in range(done, target) for prompt in self.prompts]
        under_way: set[asyncio.Task[None]] = set()
        failures: list[BaseException] = []
        try:
            for draw in cells:
                if failures:
                    break
                if stop_early and self._is_settled(target, draw.index):
                    break
                under_way.add(asyncio.ensure_future(self._cell(draw)))
                while len(under_way) >= self._window():
                    finished, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    failures += _errors(finished)
            if under_way:
                finished, under_way = await asyncio.wait(under_way)
                failures += _errors(finished)
        finally:
            for task in under_way:
                task.cancel()
        if failures:
            # What stops the run comes before what ends one behavior.
            raise min(failures, key=lambda error: isinstance(error, AskingEnded))

    def _is_settled(self, target: int, index: int) -> bool:
        """A look before a cell of round `index` is begun: is a decision certain from the rounds before it?"""
        if self._looked_at != len(self.cells):
            self._looked_at = len(self.cells)
            self._certain = verdict.look(self.cells, self.prompts, target, self._rule)
        return self._certain is not None and self._certain <= index

    async def _cell(self, draw: Draw) -> None:
        try:
            cell = await self._maker.make(self._prompts[draw.prompt], draw)
        except EndpointDown:
            # It was asked for and nothing came. (A draw that a spent budget kept from being asked for is no cell.)
            self.cells[draw] = Cell(draw=draw, state=State.TARGET_ERROR, counted=Counted.MISSING)
            raise
        except Interrupted as error:
            if error.sent:  # asked for, and not waited for
                self.cells[draw] = Cell(draw=draw, state=State.TARGET_ERROR, counted=Counted.MISSING)
            raise
        except Unjudged as error:
            self.cells[draw] = error.cell
            raise error.__cause__ or error from None
        self.cells[draw] = cell
        self._on_cell(cell)


def _errors(tasks: set[asyncio.Task[None]]) -> list[BaseException]:
    errors = [task.exception() for task in tasks if not task.cancelled()]
    return [error for error in errors if error is not None]
