"""Frozen dataclasses of arrays as one safetensors file: arrays by number, the rest as JSON in its header. No pickle.

What several parts share is kept once and is one object again when read. Fields that start with an underscore are not
kept, nor fields that are ``OPTIONAL`` and None: a file without them is as it was before they existed. Only classes that the reader names are ever built, and only the format that the reader names is read.
"""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.errors import CorruptArtifactError

_DOCUMENT: Final = "document"
_ARRAY, _SAME, _MAPPING = "array", "same", "mapping"
# Metadata of a field that is kept only where it is not None.
OPTIONAL: Final = {"optional": True}


def dump(value: object, form: str) -> bytes:
    """Return a value as bytes of the format ``form``; equal values give equal bytes.

    Parameters
    ----------
    value
        Dataclasses, enumerations, mappings, sequences, arrays, strings and numbers, one in the other.
    form
        Name and number of the format.
    """
    from safetensors.numpy import save

    writer = _Writer()
    # One entry: safetensors writes several in no fixed order.
    document = json.dumps({"format": form, "value": writer.record(value)})
    return bytes(save(writer.arrays, metadata={_DOCUMENT: document}))


def load(data: bytes, form: str, classes: Iterable[type]) -> Any:
    """Rebuild what :func:`dump` wrote; sequences become tuples.

    Parameters
    ----------
    data
        The bytes.
    form
        The one format that is read.
    classes
        Dataclasses and enumerations that may occur.

    Raises
    ------
    CorruptArtifactError
        The bytes are not of this format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_arrays

    try:
        document = _document(data)
        if document["format"] != form:
            raise ValueError(f"its format is {document['format']!r}, and only {form!r} is read")
        return _Reader(load_arrays(data), classes).value(document["value"])
    except (SafetensorError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise CorruptArtifactError(
            f"A stored model cannot be read: {str(error).splitlines()[0]}.",
            "Materialize trained_model of its iteration again.",
        ) from None


def format_of(data: bytes) -> str | None:
    """Return the format that bytes name in their header, or None where they name none."""
    try:
        return str(_document(data)["format"])
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None


def _document(data: bytes) -> dict[str, Any]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    # Whatever the entry is called: earlier formats are told by their names as well.
    (document,) = header["__metadata__"].values()
    return dict(json.loads(document))


class _Writer:
    """Takes a value apart into arrays and what JSON can hold."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self._numbers: dict[int, int] = {}

    def record(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            name = str(len(self.arrays))
            self.arrays[name] = np.ascontiguousarray(value)
            return {_ARRAY: name}
        if isinstance(value, Enum):
            return {type(value).__name__: value.value}
        if isinstance(value, dict):
            return {_MAPPING: [[self.record(key), self.record(part)] for key, part in value.items()]}
        if isinstance(value, (tuple, list)):
            return [self.record(part) for part in value]
        if not is_dataclass(value):
            return value
        if id(value) in self._numbers:
            return {_SAME: self._numbers[id(value)]}
        kept = [
            entry.name
            for entry in fields(value)
            if not entry.name.startswith("_")
            and not (entry.metadata.get("optional") and getattr(value, entry.name) is None)
        ]
        parts = {name: self.record(getattr(value, name)) for name in kept}
        self._numbers[id(value)] = len(self._numbers)
        return {type(value).__name__: parts}


class _Reader:
    """Puts a value together again, parts in the order in which they were taken apart."""

    def __init__(self, arrays: dict[str, NDArray[Any]], classes: Iterable[type]) -> None:
        self._arrays = arrays
        self._classes = {known.__name__: known for known in classes}
        self._made: list[Any] = []

    def value(self, record: Any) -> Any:
        if isinstance(record, list):
            return tuple(self.value(part) for part in record)
        if not isinstance(record, dict):
            return record
        ((kind, content),) = record.items()
        if kind == _ARRAY:
            return self._arrays[content]
        if kind == _SAME:
            return self._made[content]
        if kind == _MAPPING:
            return {self.value(key): self.value(part) for key, part in content}
        if not isinstance(content, dict):
            return self._classes[kind](content)
        made = self._classes[kind](**{name: self.value(part) for name, part in content.items()})
        self._made.append(made)
        return made
