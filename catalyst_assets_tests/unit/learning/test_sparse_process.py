"""Gaussian processes of many labels: close to the exact posterior, honest about folds, in bounded memory."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from catalyst_assets.learning.heads import sparse_process
from catalyst_assets.learning.heads.gaussian_process import GaussianProcess
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.sparse_process import SparseProcess, fit_process, fit_sparse_process
from catalyst_assets.learning.uncertainty.marginals import Moments

N = 250
SETTINGS = HeadSettings(gp_steps=12, n_inducing=125)


def _data(n: int = N, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 6)).astype(np.float32)
    target = np.sin(features[:, 0]) + 0.5 * features[:, 1] + 0.05 * rng.normal(size=n)
    return features, target, rng.integers(0, 5, n)


def _exact_posterior(process: SparseProcess, rows: np.ndarray, target: np.ndarray, at: np.ndarray) -> Moments:
    """Condition the sparse process's own prior on rows by the textbook formula."""
    import torch

    def standard(features: np.ndarray) -> "torch.Tensor":
        return torch.from_numpy(
            (features[:, process.columns].astype(float) - process.scaling.center) / process.scaling.scale
        )

    left, right = standard(rows), standard(at)
    kernel = process.kernel
    among = kernel.values(left, left).numpy() + kernel.noise * np.eye(len(rows))
    cross = kernel.values(left, right).numpy()
    scaled = (target - process.scaling.target_center) / process.scaling.target_scale
    mean = cross.T @ np.linalg.solve(among, scaled)
    own = kernel.diagonal(right).numpy() + kernel.noise
    variance = own - (cross * np.linalg.solve(among, cross)).sum(0)
    return (
        mean * process.scaling.target_scale + process.scaling.target_center,
        variance * process.scaling.target_scale**2,
    )


@pytest.fixture(scope="module")
def dense() -> tuple[SparseProcess, Moments]:
    """Return a process with an inducing point at every row, where the sparse posterior is the exact one."""
    features, target, folds = _data()
    settings = HeadSettings(gp_steps=12, n_inducing=N)
    return fit_sparse_process(features, target, folds, [np.arange(6)], settings)


def test_with_all_rows_as_inducing_points_it_is_the_exact_process(
    dense: tuple[SparseProcess, Moments],
) -> None:
    features, target, _ = _data()
    at, _, _ = _data(50, 1)
    mean, variance = dense[0].predict(at)
    exact_mean, exact_variance = _exact_posterior(dense[0], features, target, at)
    np.testing.assert_allclose(mean, exact_mean, atol=1e-3)
    np.testing.assert_allclose(variance, exact_variance, rtol=0.02)


def test_a_fold_is_predicted_as_if_it_were_unknown(dense: tuple[SparseProcess, Moments]) -> None:
    features, target, folds = _data()
    process, (mean, variance) = dense
    for fold in range(5):
        out = folds == fold
        exact = _exact_posterior(process, features[~out], target[~out], features[out])
        np.testing.assert_allclose(mean[out], exact[0], atol=2e-3)
        np.testing.assert_allclose(variance[out], exact[1], rtol=0.02)


def test_half_as_many_inducing_points_predict_nearly_as_well(dense: tuple[SparseProcess, Moments]) -> None:
    features, target, folds = _data()
    at, truth, _ = _data(300, 1)
    sparse, _ = fit_sparse_process(features, target, folds, [np.arange(6)], SETTINGS)
    assert sparse.inducing.shape == (125, 6)
    error = np.abs(sparse.predict(at)[0] - truth).mean()
    assert error < 1.3 * np.abs(dense[0].predict(at)[0] - truth).mean()
    assert error < 0.3 * np.abs(truth - target.mean()).mean()


def test_more_labels_than_an_exact_process_can_hold_make_it_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    features, target, folds = _data(120)
    assert isinstance(fit_process(features, target, folds, [np.arange(6)], SETTINGS)[0], GaussianProcess)
    monkeypatch.setattr(sparse_process, "MOST_EXACT_ROWS", 100)
    assert isinstance(fit_process(features, target, folds, [np.arange(6)], SETTINGS)[0], SparseProcess)


def test_memory_of_a_prediction_does_not_grow_with_the_pool() -> None:
    script = """
        import resource
        import numpy as np
        from catalyst_assets.learning.heads.fitting import fit_heads
        from catalyst_assets.learning.heads.settings import HeadSettings
        from catalyst_assets.campaigns.model import HeadKind

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

        rng = np.random.default_rng(0)
        rows = rng.normal(size=(300, 8)).astype(np.float32)
        names, groups = [f"x:{i}" for i in range(8)], [str(i) for i in range(300)]
        pool = rng.normal(size=(40_000, 8)).astype(np.float32)
        for kind in (HeadKind.GAUSSIAN_PROCESS, HeadKind.DEEP_ENSEMBLE):
            labels = rows[:, :1].astype(float)
            head = fit_heads([kind], rows, names, labels, groups, ["y"], HeadSettings(gp_steps=3))
            head.predict(pool[:10_000], n_draws=4)
            before = peak()
            head.predict(pool, n_draws=4)
            print(peak() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    process, ensemble = (float(line) for line in done.stdout.split())
    # Of 30,000 more materials the kernel with the 300 rows alone would be 69 MiB, the joint posterior 12 GiB.
    assert process < 40
    # The ten members' hidden layers would be 290 MiB, three times.
    assert ensemble < 200
