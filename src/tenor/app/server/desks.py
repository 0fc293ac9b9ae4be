"""Runs that are loaded: a question about one that was asked before is answered without reading anything.

A few are kept, the one that was asked longest ago goes first. What is kept is a run whose content never changes, the
market as it was read, and windows made of it; it is read again when the run's place in memory is given to another.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from tenor.app.server.shelf import Shelf
from tenor.app.server.workplace import Workplace

KEPT = 6
"""Most runs that are kept in memory."""

ANSWERS = 5_000
"""Most answers of one run that are kept."""

T = TypeVar("T")


class Recent(Generic[T]):
    """Values by key, made once; the ones asked last are kept. Two who ask for the same at once wait for one making."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of ``key``, made by ``make`` if it is not there."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            mine = self._making.setdefault(key, threading.Lock())
        with mine:
            with self._lock:
                if key in self._held:
                    return self._held[key]
            try:
                value = make()
            except BaseException:
                with self._lock:
                    self._making.pop(key, None)
                raise
            with self._lock:
                self._making.pop(key, None)
                self._held[key] = value
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
            return value


class Desks:
    """The runs of a workplace that are loaded."""

    def __init__(self, place: Workplace, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._place, self._now = place, now
        self.shelf = Shelf(place)
        self._stocks: Recent[Any] = Recent(KEPT)
        self._answers: Recent[str] = Recent(ANSWERS)
        self._kinds: Recent[bool] = Recent(ANSWERS)
        self._fronts: Recent[Any] = Recent(KEPT)
        self._pairs: Recent[Any] = Recent(KEPT)
        self._desks: Recent[tuple[Any, Any]] = Recent(2 * KEPT)

    def forecast(self, run: str, code: str) -> str:
        """Return what a run says of an instrument, or of a product's pair in front, JSON text.

        Errors are those of :mod:`tenor.app.stock_desk` and :mod:`tenor.app.pair_desk`. Prices are those of the hour in
        which the run was loaded.
        """
        from tenor.app.server.worker import rendered

        now = self._now()
        ask = self._ask_pairs if self._is_of_pairs(run) else self._ask_stock
        return self._answers.get((run, code, _hour(now)), lambda: rendered(ask(run, code, now)))

    def _ask_stock(self, run: str, code: str, now: datetime) -> dict[str, Any]:
        from tenor.app.stock_desk import ask_desk

        return ask_desk(self._stock(run, now), code, now)

    def _ask_pairs(self, run: str, code: str, now: datetime) -> dict[str, Any]:
        from tenor.app.pair_desk import ask_pair_desk, load_pair_desk

        def loaded() -> Any:
            return load_pair_desk(self._place.run(run), self._place.runs, now)

        return ask_pair_desk(self._fronts.get((run, _hour(now)), loaded), code, now)

    def _is_of_pairs(self, run: str) -> bool:
        from tenor.io.runs import read_run

        folder = self._place.root / self._place.folder_of(run)
        return self._kinds.get(run, lambda: "subject" not in read_run(folder).study)

    def market_of(self, run: str) -> Any:
        """Return the market of a run of stocks as it is now; errors as of a prediction by that run."""
        return self._stock(run, self._now()).market

    def _stock(self, run: str, now: datetime) -> Any:
        from tenor.app.stock_desk import load_desk

        return self._stocks.get((run, _hour(now)), lambda: load_desk(self._place.run(run), self._place.runs, now))

    def spreads(self, run: str, product: str) -> Any:
        """Return the traded series of a product of a run of pairs: ``session``, ``pair``, ``spread``."""
        import polars as pl

        from tenor.io.runs import read_frame, read_run

        kept = read_run(self._place.root / self._place.folder_of(run))
        return read_frame(kept, "spreads.parquet").filter(pl.col("product") == product)

    def open_pair(self, run: str, product: str) -> tuple[Any, Any]:
        """Return a run of pairs and its desk, open at the last decision; errors as of a what-if."""
        from tenor.open_desk import open_desk

        def opened() -> tuple[Any, Any]:
            loaded = self.pair(run)
            return loaded, open_desk(loaded.study, loaded.market, loaded.models, product=product)

        return self._desks.get((run, product), opened)

    def pair(self, run: str) -> Any:
        """Return a run of pairs, loaded for what-if; errors as :func:`tenor.app.what_if.load_run`."""
        from tenor.app.what_if import load_run

        return self._pairs.get(run, lambda: load_run(self._place.run(run), self._place.runs))


def _hour(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H")
