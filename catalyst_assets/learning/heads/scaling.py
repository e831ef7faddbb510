"""Standardised features and targets: what processes and networks are fitted to, and the way back to units."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.uncertainty.label_noise import truth_moments
from catalyst_assets.learning.uncertainty.marginals import Moments

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

CHUNK: Final = 2048
_CLIP: Final = 5.0


@dataclass(frozen=True)
class Scaling:
    """What standardises rows of f features and their targets.

    Attributes
    ----------
    center, scale
        Shape (f,): mean and standard deviation of each feature, the latter infinite where it does not vary.
    target_center, target_scale
        The same of the target, numbers or of shape (p,).
    """

    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    target_center: Any = 0.0
    target_scale: Any = 1.0

    @classmethod
    def of(
        cls,
        features: NDArray[np.floating],
        target: NDArray[np.float64] | None = None,
        noise: NDArray[np.float64] | None = None,
    ) -> Self:
        """Measure features of shape (n, f) and a target of shape (n,), or (n, p) with NaN where not known.

        Where the target's ``noise`` is known, of its shape, the target is measured as the truths are that it is of.
        """
        center = features.mean(0, dtype=np.float64)
        spread = features.std(0, dtype=np.float64)
        scale = np.where(spread > 1e-6 * (1 + np.abs(center)), spread, np.inf)
        if target is None:
            return cls(center, scale)
        if noise is None:
            return cls(center, scale, np.nanmean(target, 0), np.maximum(np.nanstd(target, 0), 1e-9))
        columns = target.reshape(len(target), -1)
        known = [np.isfinite(column) for column in columns.T]
        moments = [
            truth_moments(column[rows], blur[rows])
            for column, blur, rows in zip(columns.T, noise.reshape(columns.shape).T, known, strict=True)
        ]
        middle, spread = np.array(moments).T.reshape(2, *target.shape[1:])
        # Where all of their scatter is noise, truths scatter by some of it.
        return cls(center, scale, middle, np.maximum(spread, np.maximum(0.1 * np.nanstd(target, 0), 1e-9)))

    @property
    def varying(self) -> NDArray[np.bool_]:
        """Which features vary, shape (f,)."""
        return np.isfinite(self.scale)

    def take(self, columns: NDArray[np.int64]) -> Self:
        """Return the scaling of some of the features."""
        return replace(self, center=self.center[columns], scale=self.scale[columns])

    def rows(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return features in units of their spread, far ones clipped."""
        return np.asarray(np.clip((features.astype(np.float64) - self.center) / self.scale, -_CLIP, _CLIP))

    def target(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a standardised target."""
        return np.asarray((target - self.target_center) / self.target_scale)

    def noise_variance(self, noise: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Return the variance of the noise of a standardised target, of which ``noise`` is the standard deviation."""
        return None if noise is None else np.asarray((noise / self.target_scale) ** 2)

    def in_units(self, moments: Moments) -> Moments:
        """Return mean and variance of the target from those of the standardised one."""
        mean, variance = moments
        return mean * self.target_scale + self.target_center, variance * self.target_scale**2

    def predict(
        self,
        features: NDArray[np.floating],
        predict: "Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]",
    ) -> Moments:
        """Return mean and variance in the target's unit, computed in chunks of rows.

        Parameters
        ----------
        features
            Shape (m, f).
        predict
            Mean and variance of the standardised target at standardised rows.
        """
        import torch

        shape = (len(features), *np.shape(self.target_center))
        mean, variance = np.empty(shape), np.empty(shape)
        for start in range(0, len(features), CHUNK):
            chunk = torch.from_numpy(self.rows(features[start : start + CHUNK]))
            part = slice(start, start + len(chunk))
            mean[part], variance[part] = (moment.numpy() for moment in predict(chunk))
        return self.in_units((mean, variance))
