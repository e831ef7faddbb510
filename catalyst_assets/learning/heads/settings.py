"""How large a head is, and what everything random in it follows from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HeadSettings:
    """How large the head is.

    Attributes
    ----------
    n_folds
        Folds of chemical systems; each ensemble member leaves one out.
    n_trees
        Trees of each forest, over all folds.
    n_boosted
        Boosted trees of each fold.
    gp_steps
        Most optimisation steps of a Gaussian process.
    seed
        Everything random follows from it.
    n_networks
        Networks of a deep ensemble that leave out the same fold.
    n_inducing
        Most inducing points of a sparse Gaussian process.
    couple
        Whether a property may be learned as a multiple of another and a remainder.
    recalibrate
        Whether the predicted quantiles are mapped to where held-out observations fell.
    """

    n_folds: int = 5
    n_trees: int = 100
    n_boosted: int = 80
    gp_steps: int = 60
    seed: int = 0
    n_networks: int = 2
    n_inducing: int = 2000
    couple: bool = True
    recalibrate: bool = False
