"""What if: the command ``whatif``, from a kept run and the words of a shock to the chain of numbers and its page."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor.errors import RunError, StudyError
from tenor.progress import Progress, silent

if TYPE_CHECKING:
    from tenor.market.market import Market
    from tenor.model.frozen import FrozenModels
    from tenor.report.what_if import WhatIf
    from tenor.scenario.desk import Desk
    from tenor.scenario.moves import Moves
    from tenor.scenario.search import Flip, Sweep
    from tenor.shock import Scenario
    from tenor.study import Study

Answer: TypeAlias = dict[str, Any]

MENU = (
    ("parallel +10bp", ("parallel=+10bp",)),
    ("parallel -10bp", ("parallel=-10bp",)),
    ("steepener +10bp", ("steepener=+10bp",)),
    ("funding +50bp", ("repo=+50bp",)),
    ("quarter end +300bp between the deliveries", ("quarter_end=+300bp,turn=between",)),
)
"""Asked where nothing is asked, neither here nor in the study."""

BOUNDS = {"pca": "4sd", "macro": "2", "price": "2", "quarter_end": "500bp"}
"""How far a counterfactual searches by kind; ``100bp`` for the others."""

MOST_SIZES = 2_000
"""Most sizes of a sweep, or pairs of a grid."""


@dataclass(frozen=True, slots=True)
class AskWhatIf:
    """Ask the frozen models of a run what a shock would do.

    Parameters
    ----------
    run, runs, data
        The run, as for ``show``; and a folder to read its data from instead of its own.
    shifts
        Words such as ``parallel=+10bp``; together they are one scenario.
    scenarios
        A file of scenarios, all of which are asked. Without shifts and file the study's scenarios are, and without
        those a short menu.
    sweep, grid
        ``what=from:to:step``, one for a sweep and two for a grid.
    flips
        Families in which to search the smallest shock that flips forecast and position: ``parallel`` or, with a bound,
        ``parallel=50bp``.
    on, product, model, position, held
        The decision's session (the last one), product, model that trades, position rule, pairs held before.
    page
        Where the page goes; ``None`` puts it beside the runs, in ``whatif/``.
    draws
        Draws of a scenario that is an estimate.
    """

    run: Path
    runs: Path
    shifts: tuple[str, ...] = ()
    scenarios: Path | None = None
    sweep: str | None = None
    grid: tuple[str, ...] = ()
    flips: tuple[str, ...] = ()
    on: date | None = None
    product: str | None = None
    model: str | None = None
    position: str | None = None
    held: float | None = None
    data: Path | None = None
    page: Path | None = None
    draws: int = 500


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run in memory: what every question is asked of."""

    name: str
    study: "Study"
    market: "Market"
    models: "FrozenModels"


def load_run(run: Path, runs: Path, data: Path | None = None) -> Loaded:
    """Read a run, its market and its frozen models.

    Raises
    ------
    RunError
        If the run keeps no models, or its data are no longer those of the run.
    """
    from tenor.app.commands import located, with_data
    from tenor.io.runs import read_models, read_run
    from tenor.io.studies import read_market
    from tenor.study import load

    kept = read_run(located(run, runs))
    if "subject" in kept.study:
        raise StudyError(
            f"{kept.name} is a run of {kept.study['subject']}; what if is asked of runs of pairs of futures, whose"
            " prices come from a curve and a funding rate. `tenor predict` asks a run of stocks"
        )
    study = load(kept.study, where=f"{kept.name}/study.toml")
    models = read_models(kept, study)
    folder = data or (Path(kept.facts["data"]) if kept.facts.get("data") else None)
    market = read_market(with_data(study, folder), Path(kept.facts["base"]))
    then, now = kept.result["data"]["fingerprint"], market.fingerprint()
    if then != now:
        raise RunError(
            f"the data of {kept.name} changed since the run: fingerprint {then[:12]} then, {now[:12]} now. Its models"
            " answer for the data that they were trained on: run the study again, or point --data at the data as they"
            " were"
        )
    return Loaded(kept.name, study, market, models)


def ask_what_if(request: AskWhatIf, watch: Progress = silent) -> Answer:
    """Carry scenarios through the run's frozen models, write the page, and return every number.

    What can be refused without the run is refused before it is read: words that cannot be read, a page that cannot be
    written.
    """
    from tenor.io.pages import check_place, write_page
    from tenor.open_desk import open_desk
    from tenor.report.what_if_page import what_if_page

    _read_words(request)
    if request.page is not None:
        check_place(request.page)
    watch("reading the run", 0, 1)
    loaded = load_run(request.run, request.runs, request.data)
    watch("reading the run", 1, 1)
    watch("opening the desk", 0, 1)
    desk = open_desk(
        loaded.study,
        loaded.market,
        loaded.models,
        product=request.product,
        session=request.on,
        model=request.model,
        position=request.position,
        held=request.held,
    )
    watch("opening the desk", 1, 1)
    answer = asked_of(desk, loaded, request, watch)
    place = request.page or request.runs / "whatif" / f"{loaded.name}-{_question(answer)}.html"
    written = write_page(place, what_if_page(answer))
    return {**answer.answer(), "page": str(written)}


def _question(answer: "WhatIf") -> str:
    """A name for a question, the same for the same: product, session, and digits of all that was asked."""
    asked = answer.asked
    varied = [each for each in (answer.sweep, answer.grid) if each is not None]
    words = repr(
        (
            [(outcome.name, outcome.shifts) for outcome in answer.outcomes],
            [(each.families, each.axes) for each in varied],
            [(flip.family, flip.bound) for flip in answer.flips],
            (asked.headline, asked.rule, asked.held),
        )
    )
    return f"{asked.product}-{asked.session}-{hashlib.sha256(words.encode()).hexdigest()[:6]}"


def _read_words(request: AskWhatIf) -> None:
    """Refuse words of sweeps, grids and flips that cannot be read."""
    for text in (*([request.sweep] if request.sweep else []), *request.grid):
        _axis(text)
    for text in request.flips:
        _family(text)
    if request.grid and len(request.grid) != 2:
        raise StudyError(f"{len(request.grid)} axes of a grid; give --grid twice, once for each axis")


def asked_of(desk: "Desk", loaded: Loaded, request: AskWhatIf, watch: Progress = silent) -> "WhatIf":
    """Ask an open desk everything that the request names."""
    from tenor.report.what_if import WhatIf, asked
    from tenor.scenario.what_if import answered, what_if

    rates = desk.scene.base.market.rate_names()
    scenarios = _scenarios(request, loaded.study, rates)
    watch("asking the models", 0, 1)
    outcomes = what_if(desk, scenarios, draws=request.draws)
    held = outcomes[0].held if outcomes else answered(desk, ()).held
    sweep = _swept(desk, (request.sweep,), rates) if request.sweep else None
    grid = _swept(desk, request.grid, rates) if request.grid else None
    flips = tuple(found for text in request.flips for found in _flipped(desk, text, rates))
    watch("asking the models", 1, 1)
    return WhatIf(asked(desk, held, run=loaded.name, study=loaded.study.name), outcomes, sweep, grid, flips)


def _scenarios(request: AskWhatIf, study: "Study", rates: tuple[str, ...]) -> tuple["Scenario", ...]:
    """What is asked: the words of the request and its file; else the study's; else, where nothing is varied, a menu."""
    from tenor.io.studies import read_table
    from tenor.shock import Scenario, parse_shift, scenarios_from

    found: list[Scenario] = []
    if request.shifts:
        shifts = tuple(parse_shift(text, rates=rates) for text in request.shifts)
        found.append(Scenario(", ".join(shift.describe() for shift in shifts), shifts))
    if request.scenarios is not None:
        found += scenarios_from(read_table(request.scenarios, "file of scenarios"), where=request.scenarios.name)
    if found or request.sweep or request.grid or request.flips:
        return tuple(found)
    if study.scenarios:
        return study.scenarios
    return tuple(Scenario(name, tuple(parse_shift(text) for text in texts)) for name, texts in MENU)


_AXIS = re.compile(r"(?P<what>[^=]+)=(?P<first>[^:]+):(?P<last>[^:]+):(?P<step>[^:,]+)(?P<settings>(,.+)?)")
_FAMILY = re.compile(r"(?P<what>[^=,]+)(=(?P<bound>[^,]+))?(?P<settings>(,.+)?)")

NO_SIZE = ("irrbb", "replay", "points", "volatility")
"""Kinds of shift that no single amount sizes."""


@dataclass(frozen=True, slots=True)
class _Varied:
    """A shift whose size varies, as it was written: its word, its sizes in one unit, and its settings."""

    what: str
    sizes: tuple[float, ...]
    unit: str
    settings: str


def _axis(text: str) -> _Varied:
    """Read ``parallel=-50bp:50bp:5bp``, with settings after a comma."""
    found = _AXIS.fullmatch(text.strip())
    if found is None:
        raise StudyError(f"{text!r} is no axis; write what=from:to:step, such as parallel=-50bp:50bp:5bp")
    (first, unit), (last, unit_last), (step, unit_step) = (_sized(found[part]) for part in ("first", "last", "step"))
    if not unit == unit_last == unit_step:
        raise StudyError(f"{text!r}: from, to and step must have one unit, such as bp")
    if not (step > 0 and last > first):
        raise StudyError(f"{text!r}: give a step above 0 and an end above the beginning")
    count = round((last - first) / step) + 1
    if count > MOST_SIZES:
        raise StudyError(f"{text!r}: {count} sizes are asked, at most {MOST_SIZES} are answered; take a wider step")
    if abs(first + step * (count - 1) - last) > 1e-9 * abs(last - first):
        raise StudyError(f"{text!r}: steps of {step:g} from {first:g} do not end at {last:g}; choose another step")
    sizes = tuple(first + step * at for at in range(count))
    return _Varied(_sizable(found["what"]), sizes, unit, found["settings"])


def _family(text: str) -> _Varied:
    """Read ``parallel`` or ``parallel=50bp``, with settings after a comma: the family and its bound."""
    found = _FAMILY.fullmatch(text.strip())
    if found is None:
        raise StudyError(f"{text!r} is no family of shifts; write parallel, or with a bound parallel=50bp")
    what = _sizable(found["what"])
    size, unit = _sized(found["bound"] or BOUNDS.get(what.partition(".")[0], "100bp"))
    if size == 0:
        raise StudyError(f"{text!r}: a bound of 0; give how far to search")
    return _Varied(what, (abs(size),), unit, found["settings"])


def _sizable(what: str) -> str:
    if what.strip().partition(".")[0] in NO_SIZE:
        raise StudyError(
            f"{what.strip()} has no single amount that could be varied; ask it as a scenario, with --shift"
        )
    return what.strip()


def _swept(desk: "Desk", texts: Sequence[str], rates: tuple[str, ...]) -> "Sweep":
    """Ask one or two shifts at many sizes."""
    from tenor.scenario.search import Family, sweep

    axes = [_axis(text) for text in texts]
    sizes = math.prod(len(axis.sizes) for axis in axes)
    if sizes > MOST_SIZES:
        raise StudyError(f"{sizes} sizes are asked, at most {MOST_SIZES} are answered; take wider steps")
    shifts = [(Family(axis.what + axis.settings, axis.unit), _unit(desk, axis, rates)) for axis in axes]
    return sweep(desk, shifts, [axis.sizes for axis in axes])


def _flipped(desk: "Desk", text: str, rates: tuple[str, ...]) -> list["Flip"]:
    """Search both counterfactuals of one family."""
    from tenor.scenario.search import Family, flip

    varied = _family(text)
    family, moves = Family(varied.what + varied.settings, varied.unit), _unit(desk, varied, rates)
    return [flip(desk, family, moves, of=of, bound=varied.sizes[0]) for of in ("forecast", "position")]


def _unit(desk: "Desk", varied: _Varied, rates: tuple[str, ...]) -> "Moves":
    """Moves of a shift at size 1, from its largest size, which is refused where the shift itself would be."""
    from tenor.shock import parse_shift

    largest = max(varied.sizes, key=abs)
    shift = parse_shift(f"{varied.what}={largest:g}{varied.unit}{varied.settings}", rates=rates)
    return shift.moves(desk.scene.base).scaled(1 / largest)


def _sized(text: str) -> tuple[float, str]:
    """Number and unit of an amount that can be scaled."""
    from tenor.scenario.amount import parse

    size, unit = parse(text)
    if unit == "x":
        raise StudyError(f"{text} is a multiple, which has no scale of sizes; vary a shift in bp, %, sd or points")
    return size, unit
