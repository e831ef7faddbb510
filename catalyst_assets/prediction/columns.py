"""Reading a version of predictions as arrays: PostgreSQL's binary COPY, taken apart by numpy.

A hundred thousand candidates have tens of millions of draws: as rows of Python objects they take seconds and
gigabytes, as bytes a second.
"""

import sys
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.errors import CorruptArtifactError
from resources.postgres.database import copy_binary

if TYPE_CHECKING:
    import sqlalchemy as sa
    from numpy.typing import NDArray

# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": signature, flags and extension; -1 at the end.
_HEADER_BYTES: Final = 19
_TRAILER_BYTES: Final = 2


def read_numbers(
    connection: "sa.Connection", version: int, n_members: int, n_draws: int, n_properties: int
) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32], NDArray[np.float64]]":
    """Return the predictions of a version in the order of their materials.

    Returns
    -------
    mean, std
        Shape (m, p).
    draws
        Shape (m, k, p).
    distance
        Shape (m,); NaN where it was not measured.

    Raises
    ------
    CorruptArtifactError
        A row does not have as many numbers as the version says.
    """
    layout = _layout(n_draws, n_properties)
    data = copy_binary(connection, "prediction/numbers", version=version)
    rows = np.empty(0, layout)
    if len(data) == _HEADER_BYTES + n_members * layout.itemsize + _TRAILER_BYTES:
        rows = np.frombuffer(data, layout, n_members, _HEADER_BYTES)
    widths = {"mean_bytes": 20 + 12 * n_properties, "draws_bytes": 4 * n_draws * n_properties}
    if len(rows) != n_members or any((rows[name] != width).any() for name, width in widths.items()):
        raise CorruptArtifactError(
            f"Version {version} of the predictions does not hold {n_draws} draws of {n_properties} properties for "
            f"each of its {n_members} materials.",
            "Materialize `predictions` of its iteration again.",
        )
    draws = np.ascontiguousarray(rows["draws"])
    if sys.byteorder != "little":
        draws = draws.astype(np.float32)
    return (
        rows["mean"]["value"].astype(np.float64),
        rows["std"]["value"].astype(np.float64),
        draws.reshape(n_members, n_draws, n_properties),
        rows["distance"].astype(np.float64),
    )


def _layout(n_draws: int, n_properties: int) -> np.dtype[np.void]:
    """Return the layout of one row: every field after its length, everything of PostgreSQL's own in network order."""
    element = np.dtype([("bytes", ">i4"), ("value", ">f8")])
    return np.dtype(
        [
            ("n_columns", ">i2"),
            ("mean_bytes", ">i4"), ("mean_head", "V20"), ("mean", element, (n_properties,)),
            ("std_bytes", ">i4"), ("std_head", "V20"), ("std", element, (n_properties,)),
            ("draws_bytes", ">i4"), ("draws", "<f4", (n_draws * n_properties,)),
            ("distance_bytes", ">i4"), ("distance", ">f8"),
        ]
    )  # fmt: skip
