"""One behavior from the first wave to its decision."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Mapping, Sequence

from clustergate.decide import plan, verdict
from clustergate.decide.course import RoundCount, run_course
from clustergate.decide.rule import Rule
from clustergate.decide.verdict import Decision
from clustergate.effects.tally import Tally
from clustergate.nouns.errors import AskingEnded, BudgetSpent, EndpointDown, Interrupted, NotStored
from clustergate.nouns.finding import Reason, Stopped, Verdict
from clustergate.nouns.model import Cell, Counted, Draw, State
from clustergate.nouns.settings import Behavior, Prompt
from clustergate.run.cell import CellMaker, Unjudged


class Side(enum.Enum):
    """Whose replies."""

    CANDIDATE = enum.auto()
    EARLIER = enum.auto()


class Investigation:
    """Asks for whole rounds in waves until the verdict is settled, the ceiling is reached, or something broke.

    `window` says how many cells may be under way at once; they are begun in plan order, so that a wave that turns out
    to be settled early leaves few begun for nothing. Without one nothing is asked, and a wave is read from the store
    whole. With an `earlier` maker another model answers the same draws.
    """

    def __init__(
        self,
        behavior: Behavior,
        rule: Rule,
        maker: CellMaker,
        window: Callable[[], int] | None,
        on_cell: Callable[[Cell], None],
        earlier: CellMaker | None = None,
    ) -> None:
        self._prompts: Mapping[str, Prompt] = {prompt.id: prompt for prompt in behavior.prompts}
        self._rule = rule
        self._makers = {Side.CANDIDATE: maker} | ({Side.EARLIER: earlier} if earlier else {})
        self._window = window
        self._on_cell = on_cell
        self._looked_at = 0
        self._certain: int | None = None
        self._whole: dict[int, RoundCount] = {}
        self._sides: dict[Side, dict[Draw, Cell]] = {side: {} for side in self._makers}
        self.broken: tuple[Reason, Stopped] | None = None
        self.help = ""

    @property
    def cells(self) -> dict[Draw, Cell]:
        """Those of the model under test."""
        return self._sides[Side.CANDIDATE]

    @property
    def earlier(self) -> dict[Draw, Cell] | None:
        """Those of the model that it is compared with, where that answers beside it."""
        return self._sides.get(Side.EARLIER)

    @property
    def tally(self) -> Tally:
        return self._makers[Side.CANDIDATE].tally

    @property
    def tally_earlier(self) -> Tally:
        return self._makers[Side.EARLIER].tally

    @property
    def faults(self) -> Sequence[str]:
        """The last few faults that left a cell without an answer."""
        return [fault for maker in self._makers.values() for fault in maker.faults]

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self._prompts)

    def give_up(self, reason: Reason, why: str) -> Decision:
        """The decision where nothing can be asked: none."""
        self._break(reason, why)
        return self._decide()

    def _decide(self) -> Decision:
        return verdict.decide(self.cells, self.prompts, self._rule, self.broken, self.earlier)

    def _break(self, reason: Reason, why: str) -> None:
        """Note why sampling ended before it was settled, and what the reader can do about it."""
        ways = {Reason.BUDGET: Stopped.BUDGET, Reason.INTERRUPTED: Stopped.INTERRUPTED}
        self.broken = (reason, ways.get(reason, Stopped.ERROR))
        self.help = why

    async def run(self) -> Decision:
        """Sample until there is nothing left to ask for. Raises EndpointRejected."""
        done, counts = -1, list[RoundCount]()
        known: verdict.Sides | None = None
        while True:
            known = rounds, others = verdict.sides_of(self.cells, self.prompts, self.earlier, known)
            sides = [rounds] if others is None else [rounds, others]
            if len(rounds) <= done or any(map(verdict.is_hopeless, sides)):
                break
            if self._rule.compares and any(map(verdict.is_repeating, sides)):
                break
            done, counted = len(rounds), len(counts)
            counts += verdict.count_rounds(rounds[counted:], self._rule, others and others[counted:])
            course = run_course(counts, self._rule)
            target = plan.next_wave(course, counts, self._rule)
            alike = self._rule.compares and any(verdict.is_suspicious(side[: course.rounds]) for side in sides)
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
        return self._decide()

    async def _wave(self, done: int, target: int, *, stop_early: bool) -> None:
        """Begin the cells of rounds `done` to `target` in plan order; wait for all that were begun."""
        cells = [Draw(index, prompt) for index in range(done, target) for prompt in self.prompts]
        if self._window is None:
            for draw in cells:
                for side in self._makers:
                    await self._cell(draw, side)
            return
        under_way: set[asyncio.Task[None]] = set()
        failures: list[BaseException] = []
        try:
            for draw in cells:
                if failures:
                    break
                if stop_early and self._is_settled(target, draw.index):
                    break
                under_way |= {asyncio.ensure_future(self._cell(draw, side)) for side in self._makers}
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
        known = sum(map(len, self._sides.values()))
        if self._looked_at != known:
            self._looked_at = known
            self._certain = verdict.look(self.cells, self.prompts, target, self._rule, self.earlier, self._whole)
        return self._certain is not None and self._certain <= index

    async def _cell(self, draw: Draw, side: Side) -> None:
        cells = self._sides[side]
        try:
            cell = await self._makers[side].make(self._prompts[draw.prompt], draw)
        except EndpointDown:
            # It was asked for and nothing came. (A draw that a spent budget kept from being asked for is no cell.)
            cells[draw] = Cell(draw=draw, state=State.TARGET_ERROR, counted=Counted.MISSING)
            raise
        except Interrupted as error:
            if error.sent:  # asked for, and not waited for
                cells[draw] = Cell(draw=draw, state=State.TARGET_ERROR, counted=Counted.MISSING)
            raise
        except Unjudged as error:
            cells[draw] = error.cell
            raise error.__cause__ or error from None
        cells[draw] = cell
        self._on_cell(cell)


def _errors(tasks: set[asyncio.Task[None]]) -> list[BaseException]:
    errors = [task.exception() for task in tasks if not task.cancelled()]
    return [error for error in errors if error is not None]
