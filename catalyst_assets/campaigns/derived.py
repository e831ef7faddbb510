"""Properties that known physics computes from learned ones and the composition, as a campaign's ``derive`` says.

The formulas stand in ``derivations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_assets.campaigns.derivations import DERIVATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from catalyst_assets.campaigns.model import Campaign


def derive_values(
    campaign: Campaign, name: str, values: Mapping[str, NDArray[np.float64]], formulas: Sequence[str]
) -> NDArray[np.float64]:
    """Compute one derived property.

    Parameters
    ----------
    campaign
        Says by which function of which properties ``name`` is derived.
    name
        The derived property.
    values
        Shape (m, ...) each, the first axis over materials: the arguments' values, and any others.
    formulas
        The m reduced formulas.

    Returns
    -------
    Array of the arguments' shape; NaN where one of them is.
    """
    derivation = campaign.derive[name]
    return DERIVATIONS[derivation.function].compute(formulas, *(values[one] for one in derivation.arguments))


def fill_derived(campaign: Campaign, values: pd.DataFrame, formulas: Sequence[str]) -> pd.DataFrame:
    """Return validated values with a derived one wherever none was validated.

    Parameters
    ----------
    campaign
        The campaign whose ``derive`` is applied.
    values
        One row a material, a column a property, NaN where nothing is known.
    formulas
        Reduced formula of each row.
    """
    import numpy as np

    filled = values.copy()
    for name in campaign.properties:
        if name not in campaign.derive or not set(campaign.derive[name].arguments) <= set(values):
            continue
        arguments = {one: values[one].to_numpy(np.float64) for one in campaign.derive[name].arguments}
        computed = derive_values(campaign, name, arguments, formulas)
        known = filled.get(name, np.nan)
        filled[name] = np.where(np.isnan(known), computed, known)
    return filled
