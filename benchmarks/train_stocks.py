"""An LSTM for each of 50 tickers: two layers of 50 units on 60 closes, 10 epochs, beside one ticker in PyTorch.

The described stock platform trains such a network per ticker on about 1,000 windows of scaled closes, and needs more
than ten minutes for five of them. Here all tickers are trained as one study would train them (``scope = "per_name"``,
scaled returns, quantiles or the direction), 120 validation windows each epoch included; PyTorch trains one ticker, its
batches indexed from tensors in memory and nothing validated.

The machine may be shared: beside the wall clock stand CPU seconds and the load when the measurement began.

    python benchmarks/train_stocks.py [tickers] [rounds]
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

TRAIN, VALID, TIME, HIDDEN, LAYERS, EPOCHS, BATCH = 1_000, 120, 60, 50, 2, 10, 64


def timed(action: Callable[[], object]) -> dict[str, float]:
    load, wall, cpu = os.getloadavg()[0], time.perf_counter(), time.process_time()
    action()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "load": load}


def engine(tickers: int) -> dict[str, float]:
    import numpy as np

    from tenor.factor.window import Windows
    from tenor.model.base import FoldWindows, fit_grid
    from tenor.model.fit_plan import FitPlan
    from tenor.model.lstm import LSTM
    from tenor.model.prepare import Prepare

    rng = np.random.default_rng(0)
    rows = TRAIN + VALID + TIME - 1
    change = 0.015 * rng.standard_normal((tickers, rows + 1))
    close = np.cumsum(change, axis=1)

    def windows(first: int, count: int) -> Windows:
        every = np.arange(first, first + count) + TIME - 1
        ends = (every[None, :] + rows * np.arange(tickers)[:, None]).ravel()
        name = np.repeat([f"S{number:02d}" for number in range(tickers)], rows)
        next_change = change[:, 1:].ravel()[ends]
        days = np.datetime64("2020-01-01") + np.tile(every, tickers)
        return Windows(
            columns=("close",),
            rows=close[:, :rows].reshape(-1, 1),
            row_product=name,
            ends=ends,
            length=TIME,
            session=days,
            resolves=days + 1,
            product=name[ends],
            pair=name[ends],
            change=next_change,
            label=(next_change > 0).astype(np.int64),
        )

    plan = FitPlan(epochs=EPOCHS, patience=EPOCHS, batch_size=BATCH, learning_rate=0.001, weight_decay=0.0)
    settings = LSTM(layers=LAYERS, hidden=HIDDEN, dropout=0.0, scope="per_name")
    fold = FoldWindows(windows(0, TRAIN), windows(TRAIN, VALID))
    return timed(lambda: fit_grid(settings.recipe(Prepare(), plan), [fold], [1]))


def pytorch(threads: int) -> dict[str, float]:
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(1, HIDDEN, LAYERS, batch_first=True)
            self.head = torch.nn.Linear(HIDDEN, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.lstm(x)[0][:, -1])

    net = Net()
    x, y = torch.randn(TRAIN, TIME, 1), torch.randint(0, 2, (TRAIN,))
    optimiser, loss = torch.optim.Adam(net.parameters(), 0.001), torch.nn.CrossEntropyLoss()

    def epochs() -> None:
        for _ in range(EPOCHS):
            order = torch.randperm(TRAIN)
            for start in range(0, TRAIN, BATCH):
                chosen = order[start : start + BATCH]
                optimiser.zero_grad()
                loss(net(x[chosen]), y[chosen]).backward()
                optimiser.step()

    return timed(epochs)


def child(contestant: str, number: int) -> None:
    answer = engine(number) if contestant == "engine" else pytorch(number)
    answer["MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(answer))


def ask(contestant: str, number: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", contestant, str(number)]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def main(tickers: int, rounds: int) -> None:
    cores = len(os.sched_getaffinity(0))
    print(
        f"{tickers} tickers, {LAYERS} layers of {HIDDEN} units, {TRAIN} windows of {TIME}, {EPOCHS} epochs,"
        f" {cores} cores"
    )
    asked = {
        "engine": ("engine", tickers),
        "torch, 1 thread": ("torch", 1),
        f"torch, {cores} threads": ("torch", cores),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, (contestant, number) in asked.items():
            found[name].append(ask(contestant, number))
    for name, answers in found.items():
        middle = {key: statistics.median(answer[key] for answer in answers) for key in answers[0]}
        networks = tickers if name == "engine" else 1
        each = 1e3 / networks / EPOCHS
        print(
            f"{name:16s} {middle['wall']:7.1f} s wall, {middle['cpu']:7.1f} s CPU for {networks} tickers"
            f" ({each * middle['wall']:6.1f} ms wall, {each * middle['cpu']:6.1f} ms CPU a ticker and epoch),"
            f" {middle['MiB']:.0f} MiB, load {middle['load']:.1f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main(*(int(given) for given in (sys.argv[1:] + ["50", "1"][len(sys.argv[1:]) :])))
