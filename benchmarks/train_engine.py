"""The training engine beside a plain PyTorch loop: milliseconds for one network and one epoch.

The network is the reference LSTM: 3 layers of 8 units, dropout 0.3, windows of 5 sessions by 20 factors,
3,008 windows, batches of 64, Adam. PyTorch trains one network after another, with batches indexed from
tensors in memory or through a DataLoader, on one thread or on all. The engine trains 8 networks per core, and
its time includes an evaluation of 256 validation windows per epoch, which PyTorch's does not. Each
measurement is a process of its own, bound to one core or free on all, and the contestants take turns, so that
a busy machine slows all of them.

    python benchmarks/train_engine.py [rounds]
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

WINDOWS, TIME, FEATURES, BATCH = 3_008, 5, 20, 64
CONTESTANTS = ("engine", "torch", "torch-dataloader", "torch-all-threads")


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def engine(cores: int) -> dict[str, object]:
    import numpy as np

    from tenor.model.lstm import LSTM
    from tenor.model.train import FitPlan, train_grid

    fold = drawn_fold(np.random.default_rng(0), WINDOWS, 256)
    networks, epochs = 8 * cores, 10
    plan = FitPlan(epochs=epochs, patience=epochs, batch_size=BATCH)
    run = lambda: train_grid(LSTM(), [fold], range(networks), plan)  # noqa: E731
    first = timed(run)
    times = [timed(run) for _ in range(5)]
    return {
        "ms": [1e3 * t / networks / epochs for t in times],
        "compile": first - statistics.median(times),
    }


def drawn_fold(generator, train: int, valid: int):  # type: ignore[no-untyped-def]
    from tenor.model.train import FoldArrays

    x = generator.normal(size=(train + valid, TIME, FEATURES)).astype("float32")
    y = (x[:, -1, 0] + generator.normal(size=len(x)) > 0).astype(int)
    return FoldArrays(x[:train], y[:train], x[train:], y[train:])


def pytorch(threads: int, *, loader: bool) -> dict[str, object]:
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(FEATURES, 8, 3, batch_first=True, dropout=0.3)
            self.head = torch.nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.lstm(x)[0][:, -1])

    net = Net()
    x, y = torch.randn(WINDOWS, TIME, FEATURES), torch.randint(0, 2, (WINDOWS,))
    optimiser = torch.optim.Adam(net.parameters(), 0.002)
    loss = torch.nn.CrossEntropyLoss()
    rows = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), BATCH, shuffle=True)

    def indexed():  # type: ignore[no-untyped-def]
        order = torch.randperm(WINDOWS)
        for start in range(0, WINDOWS, BATCH):
            chosen = order[start : start + BATCH]
            yield x[chosen], y[chosen]

    def epoch() -> None:
        for inputs, labels in rows if loader else indexed():
            optimiser.zero_grad()
            loss(net(inputs), labels).backward()
            optimiser.step()

    first = timed(epoch)
    times = [timed(epoch) for _ in range(10)]
    return {"ms": [1e3 * t for t in times], "compile": first - statistics.median(times)}


def grid() -> dict[str, object]:
    """120 networks: 6 folds by 20 seeds, about 1,000 windows each, 60 epochs without early stopping."""
    import numpy as np

    from tenor.model.lstm import LSTM
    from tenor.model.train import FitPlan, train_grid

    generator = np.random.default_rng(0)
    folds = [drawn_fold(generator, 900 + 40 * number, 200) for number in range(6)]
    plan = FitPlan(epochs=60, patience=60, batch_size=BATCH)
    return {
        "seconds, compile included, then without": [
            timed(lambda: train_grid(LSTM(), folds, range(20), plan)) for _ in range(2)
        ]
    }


def child(contestant: str, cores: int) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    if contestant == "engine":
        answer = engine(cores)
    elif contestant == "grid":
        answer = grid()
    else:
        threads = cores if contestant == "torch-all-threads" else 1
        answer = pytorch(threads, loader=contestant == "torch-dataloader")
    print(json.dumps(answer))


def ask(contestant: str, cores: int) -> dict[str, list[float]]:
    command = [sys.executable, __file__, "--child", contestant, str(cores)]
    answer: dict[str, list[float]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def main(rounds: int) -> None:
    every = len(os.sched_getaffinity(0))
    print(f"ms per network and epoch: median (least to most) of {rounds} rounds")
    for cores in sorted({1, every}):
        contestants = CONTESTANTS if cores > 1 else CONTESTANTS[:3]
        found: dict[str, list[float]] = {name: [] for name in contestants}
        extra: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name in contestants:
                answer = ask(name, cores)
                found[name] += answer["ms"]
                extra[name].append(float(answer["compile"]))  # type: ignore[arg-type]
        ours = statistics.median(found["engine"])
        for name in contestants:
            middle = statistics.median(found[name])
            print(
                f"{cores} core(s)  {name:17s} {middle:7.2f} ({min(found[name]):.2f} to"
                f" {max(found[name]):.2f})"
                f"  {middle / ours:5.1f} x the engine;"
                f" first call {statistics.median(extra[name]):+.1f} s"
            )
    print("grid of 120 networks, 60 epochs, on all cores:", ask("grid", every))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
