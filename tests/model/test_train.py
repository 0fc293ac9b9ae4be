"""The training engine: a network depends on its rows, its seed and the plan, and on nothing else."""

from dataclasses import dataclass, replace
from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from tenor.errors import FitError
from tenor.model.architecture import Architecture
from tenor.model.dnn import DNN
from tenor.model.head import Direction, Head, Quantiles
from tenor.model.lstm import LSTM
from tenor.model.train import FitPlan, FoldArrays, TrainedGrid, train_grid
from tenor.model.window_rows import WindowRows

TIME, FEATURES = 4, 3
ARCHITECTURES = [
    pytest.param(LSTM(layers=2, hidden=5, dropout=0.3), id="lstm"),
    pytest.param(DNN(hidden=(7, 4), dropout=0.3), id="dnn"),
]
PLAN = FitPlan(epochs=6, batch_size=16, learning_rate=0.02, patience=2)
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def drawn(train: int, valid: int, seed: int) -> FoldArrays:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(train + valid, TIME, FEATURES)).astype(np.float32)
    y = (x[:, -1, 0] + 0.5 * generator.normal(size=len(x)) > 0.4).astype(np.int64)
    return FoldArrays(x[:train], y[:train], x[train:], y[train:])


FOLDS = (drawn(70, 30, 1), drawn(33, 20, 2), drawn(101, 41, 3))
SEEDS = (5, 0, 9)


@cache
def grid(architecture: Architecture) -> TrainedGrid:
    return train_grid(architecture, FOLDS, SEEDS, PLAN)


def softmax_loss(logits: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Weighted cross-entropy as the textbook has it, in double precision."""
    logits = logits.astype(np.float64)
    chosen = np.log(np.exp(logits).sum(axis=0)) - logits[y, np.arange(len(y))]
    return float((weights[y] * chosen).sum() / weights[y].sum())


@every_architecture
def test_shapes(architecture: Architecture) -> None:
    trained = grid(architecture)
    assert trained.theta.shape[:2] == trained.best_epoch.shape == trained.epochs_run.shape == (3, 3)
    assert trained.train_loss.shape == trained.valid_loss.shape == (3, 3, PLAN.epochs)
    x = np.zeros((300, TIME, FEATURES), np.float32)
    assert trained.outputs(0, 0, x).shape == (2, 300)
    assert trained.fold_outputs(1, x).shape == (3, 2, 300)
    assert trained.outputs(0, 0, x[:0]).shape == (2, 0)
    assert trained.failures == ((None,) * 3,) * 3


@every_architecture
def test_a_seed_gives_the_same_numbers_twice_and_seeds_differ(architecture: Architecture) -> None:
    again = train_grid(architecture, FOLDS, SEEDS, PLAN)
    np.testing.assert_array_equal(again.theta, grid(architecture).theta)
    np.testing.assert_array_equal(again.valid_loss, grid(architecture).valid_loss)
    assert len(np.unique(again.theta.reshape(9, -1), axis=0)) == 9


@every_architecture
@pytest.mark.parametrize("workers", [1, 3])
def test_cores_make_no_difference(architecture: Architecture, workers: int) -> None:
    other = train_grid(architecture, FOLDS, SEEDS, PLAN, workers=workers)
    np.testing.assert_array_equal(other.theta, grid(architecture).theta)


@every_architecture
@pytest.mark.parametrize(("fold", "seed"), [(1, 2), (2, 1)])
def test_a_network_alone_equals_itself_in_the_grid(architecture: Architecture, fold: int, seed: int) -> None:
    """Alone its table is shorter and no lane beside it takes longer: neither padding nor neighbours count."""
    alone = train_grid(architecture, [FOLDS[fold]], [SEEDS[seed]], PLAN)
    among = grid(architecture)
    np.testing.assert_array_equal(alone.theta[0, 0], among.theta[fold, seed])
    np.testing.assert_array_equal(alone.train_loss[0, 0], among.train_loss[fold, seed])
    np.testing.assert_array_equal(alone.valid_loss[0, 0], among.valid_loss[fold, seed])
    assert alone.best_epoch[0, 0] == among.best_epoch[fold, seed]


def test_a_lane_forgets_the_validation_windows_of_its_last_network() -> None:
    """Four lanes: three go from 300 validation windows, two chunks, to 20, while one still has the 300."""
    folds, architecture = (drawn(70, 300, 1), drawn(33, 20, 2)), DNN(hidden=(7, 4), dropout=0.3)
    whole = replace(PLAN, patience=PLAN.epochs)
    among = train_grid(architecture, folds, (1, 2, 3, 4, 5), whole, workers=1)
    alone = train_grid(architecture, folds[1:], (1, 2, 3), whole)
    np.testing.assert_array_equal(among.valid_loss[1, :3], alone.valid_loss[0])


@every_architecture
def test_eight_windows_can_be_learnt_by_heart(architecture: LSTM | DNN) -> None:
    x = np.random.default_rng(0).normal(size=(8, TIME, FEATURES)).astype(np.float32)
    y = np.array([0, 1, 1, 0, 1, 0, 0, 1])
    plan = FitPlan(epochs=300, batch_size=8, learning_rate=0.05, decay=1.0, patience=300)
    trained = train_grid(replace(architecture, dropout=0.0), [FoldArrays(x, y, x, y)], [1, 2, 3], plan)
    best = int(np.nanmin(trained.valid_loss[0], axis=1).argmin())
    assert np.nanmin(trained.valid_loss[0, best]) < 0.01
    np.testing.assert_array_equal(trained.outputs(0, best, x).argmax(axis=0), y)


@every_architecture
def test_the_gradient_reaches_every_parameter(architecture: Architecture) -> None:
    net = architecture.build(features=FEATURES, time=TIME, outputs=2, key=jax.random.key(0))
    x = jnp.asarray(np.moveaxis(FOLDS[0].x_train, 0, 2))

    def loss(net: eqx.Module) -> jax.Array:
        return jnp.sum(jax.nn.log_softmax(net(x, key=jax.random.key(1), inference=False), axis=0)[0])

    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter_grad(loss)(net))
    assert leaves
    for path, leaf in leaves:
        assert np.count_nonzero(leaf) > leaf.size // 2, jax.tree_util.keystr(path)


@every_architecture
def test_saved_and_loaded_networks_agree(architecture: Architecture) -> None:
    folds = (FOLDS[0], replace(FOLDS[1], y_train=np.ones(33, np.int64)))
    trained = train_grid(architecture, folds, SEEDS[:2], PLAN)
    loaded = TrainedGrid.from_state(architecture, load(save(trained.state())))
    for name in ("theta", "best_epoch", "epochs_run", "train_loss", "valid_loss"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(trained, name))
    assert (loaded.seeds, loaded.failures) == (trained.seeds, trained.failures)
    x = FOLDS[0].x_valid
    np.testing.assert_array_equal(loaded.outputs(0, 1, x), trained.outputs(0, 1, x))
    with pytest.raises(FitError, match="load them with the architecture that was trained"):
        TrainedGrid.from_state(LSTM(layers=1, hidden=2), trained.state())


@every_architecture
def test_parameters_are_stored_under_their_place_in_the_network(architecture: Architecture) -> None:
    state, net = grid(architecture).state(), grid(architecture).model(2, 1)
    leaves = jax.tree_util.tree_leaves_with_path(net)
    assert sum(name.startswith("parameter/") for name in state) == len(leaves)
    for path, leaf in leaves:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        np.testing.assert_array_equal(state[f"parameter/{name}"][2, 1], leaf)


@every_architecture
def test_history_and_early_stopping(architecture: Architecture) -> None:
    plan = replace(PLAN, epochs=40, learning_rate=0.05)
    trained = train_grid(architecture, FOLDS, SEEDS, plan)
    for fold, rows in enumerate(FOLDS):
        counts = np.bincount(rows.y_train)
        weights = len(rows.y_train) / (2.0 * counts)
        for seed in range(3):
            losses, run = trained.valid_loss[fold, seed], trained.epochs_run[fold, seed]
            best = trained.best_epoch[fold, seed]
            assert np.isfinite(losses[:run]).all()
            assert np.isnan(losses[run:]).all()
            assert best == np.nanargmin(losses) + 1
            assert run in (best + plan.patience, plan.epochs)
            kept = softmax_loss(trained.outputs(fold, seed, rows.x_valid), rows.y_valid, weights)
            assert kept == pytest.approx(losses[best - 1], rel=1e-5)
    assert (trained.epochs_run < plan.epochs).any()


@pytest.mark.parametrize("class_weights", ["balanced", "none"])
def test_training_equals_a_loop_in_torch(class_weights: str) -> None:
    """One batch holds all rows, so their order does not matter; 14 of its 64 places are padding."""
    torch = pytest.importorskip("torch")
    fold = drawn(50, 30, 7)
    plan = FitPlan(
        epochs=8,
        batch_size=64,
        learning_rate=0.05,
        decay=0.8,
        patience=8,
        class_weights=class_weights,
        weight_decay=0.1,
        clip_norm=0.05,
    )
    architecture = DNN(hidden=(6,), dropout=0.0)
    trained = train_grid(architecture, [fold], [3], replace(plan, epochs=1))
    whole = train_grid(architecture, [fold], [3], plan)
    assert np.ptp(np.diff(whole.valid_loss[0, 0])) > 0

    words = np.random.SeedSequence([3, 0]).generate_state(2)
    net = architecture.build(features=FEATURES, time=TIME, outputs=2, key=jax.random.wrap_key_data(words))
    first, second = (torch.nn.Linear(*reversed(layer.weight.shape)) for layer in net.layers)
    with torch.no_grad():
        for linear, layer in zip((first, second), net.layers, strict=True):
            linear.weight.copy_(torch.tensor(np.array(layer.weight)))
            linear.bias.copy_(torch.tensor(np.array(layer.bias)))
    parameters = [first.weight, first.bias, second.weight, second.bias]
    counts = np.bincount(fold.y_train) if class_weights == "balanced" else np.array([1.0, 1.0])
    loss = torch.nn.CrossEntropyLoss(torch.tensor(1.0 / counts, dtype=torch.float32))
    optimiser = torch.optim.AdamW(parameters, plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, plan.decay)

    def evaluate(x: np.ndarray, y: np.ndarray):  # type: ignore[no-untyped-def]
        values = torch.relu(first(torch.tensor(x.reshape(len(x), -1))))
        return loss(second(values), torch.tensor(y))

    for epoch in range(plan.epochs):
        optimiser.zero_grad()
        taken = evaluate(fold.x_train, fold.y_train)
        taken.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, plan.clip_norm)
        assert norm > plan.clip_norm
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            held = evaluate(fold.x_valid, fold.y_valid)
        assert whole.train_loss[0, 0, epoch] == pytest.approx(taken.item(), rel=2e-4)
        assert whole.valid_loss[0, 0, epoch] == pytest.approx(held.item(), rel=2e-4)
        if epoch == 0:
            ours = trained.model(0, 0)
            np.testing.assert_allclose(ours.layers[0].weight, first.weight.detach(), atol=2e-5)
            np.testing.assert_allclose(ours.layers[1].bias, second.bias.detach(), atol=2e-5)


@every_architecture
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda fold: replace(fold, x_train=np.where(fold.x_train > 2, np.nan, fold.x_train)),
            "train .* hold nan",
        ),
        (lambda fold: replace(fold, x_valid=np.full_like(fold.x_valid, np.inf)), "validation .* hold inf"),
        (
            lambda fold: replace(fold, y_train=np.zeros_like(fold.y_train)),
            "train windows hold 0 ups and 33 downs",
        ),
        (lambda fold: replace(fold, y_valid=np.ones_like(fold.y_valid)), "windows hold 20 ups and 0 downs"),
        (lambda fold: replace(fold, x_valid=fold.x_valid[:0], y_valid=fold.y_valid[:0]), "0 ups and 0 downs"),
    ],
    ids=["nan", "infinite", "no ups", "no downs", "empty"],
)
def test_a_fold_that_cannot_be_trained_fails_alone(architecture: Architecture, spoil, reason: str) -> None:  # type: ignore[no-untyped-def]
    trained = train_grid(architecture, (FOLDS[0], spoil(FOLDS[1]), FOLDS[2]), SEEDS, PLAN)
    for fold in (0, 2):
        np.testing.assert_array_equal(trained.theta[fold], grid(architecture).theta[fold])
    assert np.isnan(trained.theta[1]).all()
    assert np.isnan(trained.fold_outputs(1, FOLDS[1].x_valid[:2])).all()
    for seed in range(3):
        with pytest.raises(FitError, match=f"fold 1 has no network for seed {SEEDS[seed]}: .*{reason}"):
            trained.model(1, seed)


def test_a_loss_that_is_not_a_number_ends_that_network_alone() -> None:
    architecture = DNN(hidden=(7, 4), dropout=0.3)
    huge = replace(FOLDS[1], x_train=FOLDS[1].x_train * np.float32(1e38))
    trained = train_grid(architecture, (FOLDS[0], huge, FOLDS[2]), SEEDS, PLAN)
    for fold in (0, 2):
        np.testing.assert_array_equal(trained.theta[fold], grid(architecture).theta[fold])
    for seed in range(3):
        assert "not a finite number in epoch 1" in str(trained.failure(1, seed))
        assert "lower learning_rate (now 0.02)" in str(trained.failure(1, seed))
    np.testing.assert_array_equal(trained.epochs_run[1], 1)
    assert np.isnan(trained.theta[1]).all()


def test_a_grid_of_failures_only_is_still_a_grid() -> None:
    fold = replace(FOLDS[0], y_train=np.zeros_like(FOLDS[0].y_train))
    trained = train_grid(DNN(hidden=(7, 4)), [fold], SEEDS, PLAN)
    assert all(reason is not None for reason in trained.failures[0])
    np.testing.assert_array_equal(trained.epochs_run, 0)


X, Y = FOLDS[1].x_train, FOLDS[1].y_train


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": X.astype(np.float64)}, r"folds\[1\].x_train is float64 .* must be float32"),
        ({"x_train": X[:, 0]}, r"folds\[1\].x_train .* shape \(33, 3\)"),
        (
            {"x_train": X[:, :2]},
            r"folds\[1\].x_train has \(time, feature\) = \(2, 3\), folds\[0\].x_train has \(4, 3\)",
        ),
        ({"x_valid": FOLDS[1].x_valid[:, :, :1]}, r"folds\[1\].x_valid has \(time, feature\) = \(4, 1\)"),
        ({"y_train": Y[:-1]}, r"folds\[1\].y_train has shape \(32,\).* must be \(33,\)"),
        ({"y_valid": np.full(20, -1)}, r"folds\[1\].y_valid holds .*-1"),
    ],
)
def test_the_first_mismatch_is_reported_by_name(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(FitError, match=message):
        train_grid(DNN(), (FOLDS[0], replace(FOLDS[1], **change)), SEEDS, PLAN)


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1, 2)])
def test_seeds_that_cannot_be_are_refused(seeds: tuple[int, ...]) -> None:
    with pytest.raises(FitError, match="whole numbers from 0, each once"):
        train_grid(DNN(), FOLDS, seeds, PLAN)
    with pytest.raises(FitError, match="there are no folds"):
        train_grid(DNN(), (), (1,), PLAN)


def test_windows_of_another_shape_are_refused_at_the_forecast() -> None:
    with pytest.raises(FitError, match=r"x has shape \(5, 3, 4\); these networks read"):
        grid(DNN(hidden=(7, 4), dropout=0.3)).outputs(0, 0, np.zeros((5, 3, 4), np.float32))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 300), st.integers(0, 2), st.sampled_from([case.values[0] for case in ARCHITECTURES]))
def test_the_logits_of_a_window_do_not_depend_on_later_ones(count: int, fold: int, architecture: Architecture) -> None:
    x = np.random.default_rng(8).normal(size=(300, TIME, FEATURES)).astype(np.float32)
    trained = grid(architecture)
    np.testing.assert_array_equal(trained.outputs(fold, 1, x[:count]), trained.outputs(fold, 1, x)[:, :count])


@every_architecture
def test_logits_are_those_of_the_module(architecture: Architecture) -> None:
    trained, x = grid(architecture), FOLDS[2].x_valid
    net = trained.model(1, 0)
    wanted = net(jnp.asarray(np.moveaxis(x, 0, 2)), key=None, inference=True)
    np.testing.assert_allclose(trained.outputs(1, 0, x), wanted, rtol=1e-4, atol=1e-6)


def test_the_watcher_hears_every_epoch_and_the_end() -> None:
    heard: list[tuple[int, int, int]] = []
    trained = train_grid(DNN(hidden=(7, 4), dropout=0.3), FOLDS, SEEDS, PLAN, watch=lambda *news: heard.append(news))
    done, total, left = (np.array(column) for column in zip(*heard, strict=True))
    assert (np.diff(done) > 0).all()
    assert (np.diff(total) <= 0).all()
    assert (np.diff(left) <= 0).all()
    assert heard[-1] == (trained.epochs_run.sum(), trained.epochs_run.sum(), 0)


def test_what_the_watcher_raises_ends_the_training() -> None:
    def leave(done: int, total: int, left: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_grid(DNN(hidden=(7, 4), dropout=0.3), FOLDS, SEEDS, PLAN, watch=leave)


class Linear(eqx.Module):
    """A network that a user might write, on Equinox's own layers."""

    linear: eqx.nn.Linear
    dropout: eqx.nn.Dropout

    def __call__(self, x, *, key, inference):  # type: ignore[no-untyped-def]
        values = self.dropout(x.reshape(-1, x.shape[-1]), key=key, inference=inference)
        return jax.vmap(self.linear, in_axes=1, out_axes=1)(values)


@dataclass(frozen=True)
class LinearSettings:
    outputs: int = 2
    dtype: type = np.float32

    def build(self, *, features, time, outputs, key):  # type: ignore[no-untyped-def]
        linear = eqx.nn.Linear(features * time, self.outputs, dtype=self.dtype, key=key)
        return Linear(linear, eqx.nn.Dropout(0.2))


def test_a_users_architecture_is_trained_like_ours() -> None:
    assert isinstance(LinearSettings(), Architecture)
    among = train_grid(LinearSettings(), FOLDS, SEEDS, replace(PLAN, epochs=20))
    alone = train_grid(LinearSettings(), FOLDS[1:2], SEEDS[2:], replace(PLAN, epochs=20))
    np.testing.assert_array_equal(alone.theta[0, 0], among.theta[1, 2])
    hits = among.outputs(2, 0, FOLDS[2].x_valid).argmax(axis=0) == FOLDS[2].y_valid
    assert hits.mean() > 0.7


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (
            LinearSettings(outputs=3),
            r"give outputs of shape \(3, 3\); under the head 'direction' a network must return \(2, batch\)",
        ),
        (LinearSettings(dtype=np.float16), r"parameter 'linear.weight' is float16; .* must be float32"),
    ],
)
def test_a_network_that_cannot_be_trained_is_refused(architecture: Architecture, message: str) -> None:
    with pytest.raises(FitError, match=message):
        train_grid(architecture, FOLDS, SEEDS, PLAN)


@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        pytest.param(LSTM(layers=1, hidden=5, dropout=0.3), Quantiles((0.1, 0.5, 0.9)), id="lstm"),
        pytest.param(DNN(hidden=(7, 4), dropout=0.3), Direction(), id="dnn"),
    ],
)
def test_windows_that_are_gathered_train_the_same_network(
    architecture: Architecture, head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Overlapping windows as rows, laid out or gathered batch by batch; two folds, so that the second is shifted."""
    generator = np.random.default_rng(8)
    folds = []
    for count, seed in ((70, 1), (45, 2)):
        rows = generator.normal(size=(count + 30 + TIME, FEATURES)).astype(np.float32)
        ends = np.arange(count + 30) + TIME - 1
        up = (rows[ends, 0] + 0.5 * np.random.default_rng(seed).normal(size=len(ends)) > 0).astype(np.int64)
        target = up if head.of_classes else (rows[ends, :2] + up[:, None]).astype(np.float32)
        train, valid = (WindowRows(rows, part, TIME) for part in (ends[:count], ends[count:]))
        folds.append(FoldArrays(train, target[:count], valid, target[count:]))
    laid = [
        replace(fold, x_train=fold.x_train.laid(), x_valid=fold.x_valid.laid())  # type: ignore[union-attr]
        for fold in folds
    ]
    trained = [train_grid(architecture, given, (1, 2), PLAN, head=head) for given in (folds, laid)]
    monkeypatch.setattr("tenor.model.train.LAID_BYTES", 0)
    trained.append(train_grid(architecture, folds, (1, 2), PLAN, head=head))
    for other in trained[1:]:
        np.testing.assert_allclose(other.valid_loss, trained[0].valid_loss, rtol=1e-5)
        np.testing.assert_allclose(other.theta, trained[0].theta, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(trained[1].theta, trained[0].theta)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (np.zeros(70, np.float32), r"y_train has shape \(70,\).*must be \(70, horizon\)"),
        (np.zeros((69, 2), np.float32), r"y_train has shape \(69, 2\)"),
    ],
)
def test_targets_that_do_not_fit_a_head_are_refused(target: np.ndarray, said: str) -> None:
    fold = replace(FOLDS[0], y_train=target, y_valid=np.zeros((30, 2), np.float32))
    with pytest.raises(FitError, match=said):
        train_grid(DNN(hidden=(3,)), [fold], (1,), PLAN, head=Quantiles((0.1, 0.9)))


def test_a_return_that_is_not_known_fails_its_fold_alone() -> None:
    head = Quantiles((0.1, 0.5, 0.9))
    fine = replace(FOLDS[0], y_train=np.ones((70, 1), np.float32), y_valid=np.ones((30, 1), np.float32))
    hole = np.ones((70, 1), np.float32)
    hole[3] = np.nan
    trained = train_grid(DNN(hidden=(3,)), [replace(fine, y_train=hole), fine], (1,), PLAN, head=head)
    assert trained.failure(0, 0) == "the train windows hold 1 outcomes that are not known; leave them out"
    assert trained.failure(1, 0) is None
    assert trained.outputs(1, 0, FOLDS[0].x_valid).shape == (3, 30)
