"""Pickles of others as plain data: of the classes and functions they name, only stand-ins are ever called.

What torch and numpy put into a pickle is rebuilt as lists of numbers, without either. Every other name refuses the
pickle. It can still exhaust memory: `reader` bounds that.
"""

import io
import pickle
import struct
from typing import Any, Final

_MOST_NODES: Final = 10_000
_MOST_NUMBERS: Final = 1_000_000
_ITEMS: Final = {
    "f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b",
    "u8": "Q", "u4": "I", "u2": "H", "u1": "B", "b1": "?",
}  # fmt: skip
_TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C


class RefusedError(Exception):
    """The file holds what is not read."""


class _Inert:
    """Stands for an object: keeps what its class would have been given, and does nothing."""

    def __new__(cls, *_: object, **__: object) -> "_Inert":
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        self.state: Any = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Dtype:
    """Stands for numpy's dtype."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code, self.order = str(code), "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if state[1] == ">" else "<"

    def decode(self, data: object) -> list[Any]:
        """Return the numbers that some bytes are."""
        item = _ITEMS.get(self.code)
        if item is None or not isinstance(data, bytes | bytearray):
            raise RefusedError(f"an array of {self.code[:20]!r}")
        count = len(data) // struct.calcsize(f"<{item}")
        return list(struct.unpack_from(f"{self.order}{count}{item}", data))


class _Array(_Inert):
    """Stands for numpy's ndarray."""

    def __setstate__(self, state: Any) -> None:
        _, _, dtype, _, data = state
        self.state = _numbers(dtype, data)


def _numbers(dtype: object, data: object) -> list[Any]:
    if not isinstance(dtype, _Dtype):
        raise RefusedError("an array without a type")
    return dtype.decode(data)


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _from_buffer(data: object, dtype: object, *_: object) -> list[Any]:
    return _numbers(dtype, bytes(data) if isinstance(data, pickle.PickleBuffer) else data)


def _scalar(dtype: object, data: object) -> Any:
    (number,) = _numbers(dtype, data)
    return number


def _ordered(*items: Any) -> dict[Any, Any]:
    return dict(*items)


def _storage(data: object) -> list[Any]:
    """Return the numbers of a torch storage: three headers, the storage's name, its keys, its bytes."""
    if not isinstance(data, bytes):
        raise RefusedError("a storage without bytes")
    file = io.BytesIO(data)
    magic, _, system = (_Reader(file, {}).load() for _ in range(3))
    if magic != _TORCH_MAGIC or not system.get("little_endian"):
        raise RefusedError("a storage in another format than torch's older one")
    named = _Reader(file, _STORAGES, named_storages=True).load()
    keys = _Reader(file, {}).load()
    name, code, key, _, count, view = named
    if name != "storage" or keys != [key] or view is not None or not isinstance(code, str):
        raise RefusedError("a storage that is part of another")
    (stored,) = struct.unpack("<q", file.read(8))
    numbers = _Dtype(code).decode(file.read())
    if not stored == count == len(numbers):
        raise RefusedError("a storage that is cut off")
    return numbers


def _tensor(storage: list[Any], offset: int, size: Any, stride: Any, *_: object) -> list[Any]:
    """Return the numbers of a tensor, row by row."""
    places = [offset]
    for length, step in zip(size, stride, strict=True):
        if len(places) * length > _MOST_NUMBERS:
            raise RefusedError(f"a tensor of more than {_MOST_NUMBERS} numbers")
        places = [place + index * step for place in places for index in range(length)]
    if any(not 0 <= place < len(storage) for place in places):
        raise RefusedError("a tensor beyond its storage")
    return [storage[place] for place in places]


_PLAIN: Final[dict[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): _ordered,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
}
_STORAGES: Final[dict[tuple[str, str], Any]] = {
    ("torch", f"{name}Storage"): code
    for name, code in {
        "Double": "f8", "Float": "f4", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1",
        "Byte": "u1", "Bool": "b1",
    }.items()
}  # fmt: skip
_DATA: Final[dict[tuple[str, str], Any]] = _PLAIN | {
    ("torch_geometric.data.data", "Data"): _Inert,
    ("torch_geometric.data.storage", "GlobalStorage"): _Inert,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("torch", "Size"): tuple,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
}


class _Reader(pickle.Unpickler):
    """Rebuilds a pickle from the names it is given; any other name refuses the pickle."""

    def __init__(
        self, file: io.BufferedIOBase, known: dict[tuple[str, str], Any], *, named_storages: bool = False
    ) -> None:
        super().__init__(file)
        self._known = known
        self._named_storages = named_storages

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a name."""
        if (module, name) not in self._known:
            raise RefusedError(f"it names {module[:60]}.{name[:60]}, which is not read")
        return self._known[module, name]

    def persistent_load(self, named: Any) -> Any:
        """Return how a storage is named."""
        if not self._named_storages:
            raise RefusedError("it names an object outside")
        return named


def load_dictionary(file: io.BufferedIOBase) -> dict[Any, Any]:
    """Return a pickled dictionary; what its entries hold, `plain` tells.

    Raises
    ------
    RefusedError
        It is none, or names more than numbers of numpy.
    """
    held = _Reader(file, _PLAIN).load()
    if not isinstance(held, dict):
        raise RefusedError("it is no dictionary")
    return held


def load_graph(data: bytes) -> dict[str, Any]:
    """Return the fields of a pickled graph of torch_geometric.

    Raises
    ------
    RefusedError
        It is none, or names what does not belong to one.
    """
    held = _Reader(io.BytesIO(data), _DATA).load()
    if not isinstance(held, _Inert) or not isinstance(held.state, dict):
        raise RefusedError("it is no graph")
    store = held.state.get("_store", held)
    fields = store.state.get("_mapping", store.state) if isinstance(store, _Inert) else None
    if not isinstance(fields, dict):
        raise RefusedError("it is no graph")
    return fields


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what is shared many times over would otherwise grow without end."""
    nodes = 0

    def convert(item: Any, depth: int) -> Any:
        nonlocal nodes
        nodes += 1
        if nodes > _MOST_NODES or depth > 20:
            raise RefusedError(f"an entry of more than {_MOST_NODES} values")
        if isinstance(item, _Array):
            item = item.state
        if item is None or isinstance(item, bool | int | float | str):
            return item
        if isinstance(item, dict):
            if any(not isinstance(key, str | int) for key in item):
                raise RefusedError("a key that is neither text nor a number")
            return {str(key): convert(held, depth + 1) for key, held in item.items()}
        if isinstance(item, list | tuple):
            return [convert(held, depth + 1) for held in item]
        raise RefusedError(f"a value of the type {type(item).__name__}")

    return convert(value, 0)
