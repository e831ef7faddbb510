"""The words of this installation: those shipped and those of the file that `CATALYST_PROPERTIES_FILE` names.

The potentials of the file that `CATALYST_POTENTIALS_FILE` names are methods, too.
Read when first asked for, in every process alike, and again when the file has changed.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from catalyst_assets.constants import title_of
from catalyst_assets.errors import UsageError
from catalyst_assets.vocabulary.units import Conversion, conversion, find_unit_problem
from catalyst_assets.vocabulary.words import Declarations, Method, Property, Vocabulary, join
from resources.settings import get_settings
from resources.yaml_files import quote_hint, read_yaml

SHIPPED_FILE: Final = Path(__file__).with_name("properties.yaml")
_WHAT: Final = "properties file"
_REMEDY: Final = "Correct these entries; `catalyst campaign properties --help` says what a file may hold."


def known_properties() -> Mapping[str, Property]:
    """Return every property that can be named, by its name.

    Raises
    ------
    UsageError
        The deployment's file cannot be read or is not valid.
    """
    return vocabulary().properties


def known_methods() -> Mapping[str, Method]:
    """Return every method that can be named, by its name.

    Raises
    ------
    UsageError
        The deployment's file cannot be read or is not valid.
    """
    return vocabulary().methods


def unit_of(name: str) -> str:
    """Return the unit of a property, empty for one that is not known."""
    known = known_properties().get(name)
    return known.unit if known is not None else ""


def label_of(name: str) -> str:
    """Return what people read for a property: its label, or its name in words."""
    known = known_properties().get(name)
    return (known.label if known is not None else "") or title_of(name)


def stored_as(name: str, unit: str) -> tuple[str, Conversion]:
    """Return the unit a property is stored in, and how numbers in ``unit`` become numbers in it.

    Of a property that is not known they stay as they are: who checks values says so.

    Raises
    ------
    ValueError
        ``unit`` is no unit, or measures something else.
    """
    stored = unit_of(name) or unit
    return stored, conversion(unit, stored)


def zero_inflated(name: str) -> bool | None:
    """Return whether exact zeros of a property are declared to be a class of their own; None where nobody said."""
    known = known_properties().get(name)
    return known.zero_inflated if known is not None else None


def vocabulary() -> Vocabulary:
    """Return the words of this installation.

    Raises
    ------
    UsageError
        The deployment's file cannot be read or is not valid.
    """
    settings = get_settings()
    properties = _state(settings.properties_file, _WHAT, "CATALYST_PROPERTIES_FILE")
    potentials = _state(settings.potentials_file, "file of potentials", "CATALYST_POTENTIALS_FILE")
    return _with_own(properties, potentials)


def read_declarations(path: Path) -> Declarations:
    """Read one file of properties and methods.

    Raises
    ------
    UsageError
        It is missing, is not YAML, or says something wrong; the message names the entries and fields.
    """
    document = read_yaml(path, _WHAT)
    if not isinstance(document, dict):
        raise UsageError(
            f"The {_WHAT} {path} holds no mapping.",
            "Write `properties:` and `methods:`, each name with its fields.",
        )
    try:
        declared = Declarations.model_validate(document)
    except ValidationError as error:
        problems = [_explain(item) for item in error.errors(include_url=False)]
    else:
        shipped_units = (
            set() if path == SHIPPED_FILE else {each.unit for each in _shipped().properties.values()}
        )
        found = {
            name: find_unit_problem(each.unit)
            for name, each in declared.properties.items()
            if path != SHIPPED_FILE and each.unit not in shipped_units
        }
        problems = [f"properties.{name}.unit: {problem}" for name, problem in found.items() if problem]
    if problems:
        raise UsageError(f"The {_WHAT} {path} is not valid: {'; '.join(problems)}.", _REMEDY)
    return declared


@cache
def _shipped() -> Declarations:
    return read_declarations(SHIPPED_FILE)


# A file, when it changed in nanoseconds, and its size.
_State = tuple[Path, int, int]


def _state(path: Path | None, what: str, setting: str) -> _State | None:
    if path is None:
        return None
    try:
        state = path.stat()
    except OSError as error:
        raise UsageError(
            f"Cannot read the {what} {path}: {error.strerror}.", f"Put it there, or correct {setting}."
        ) from None
    return path, state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4)
def _with_own(properties: _State | None, potentials: _State | None) -> Vocabulary:
    own = Declarations() if properties is None else read_declarations(properties[0])
    if potentials is not None:
        own = own.model_copy(update={"methods": _own_potentials(potentials[0]) | own.methods})
    try:
        return join(_shipped(), own)
    except ValueError as error:
        named = " and ".join(str(state[0]) for state in (properties, potentials) if state is not None)
        raise UsageError(f"The {_WHAT} {named} is not valid: {error}.", _REMEDY) from None


def _own_potentials(path: Path) -> dict[str, Method]:
    """Return the methods that the potentials of the deployment are; what else its file says is `potentials.table`'s."""
    document = read_yaml(path, "file of potentials")
    declared = document.get("potentials") if isinstance(document, dict) else None
    named = declared if isinstance(declared, dict) else {}
    return {
        str(name): Method(kind="potential", description="a potential of this installation") for name in named
    }


def _explain(item: ErrorDetails) -> str:
    place = ".".join(str(part) for part in item["loc"] if part != "[key]")
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        fields = _fields_at(item["loc"])
        message = f"unknown field; known are {', '.join(fields)}"
    elif item["type"] == "string_pattern_mismatch":
        message = "must be letters, digits and _, with a letter first"
    elif item["type"] == "missing":
        message = "is missing"
    elif item["type"] in {"model_type", "dict_type"}:
        message = "must be a mapping of fields"
    elif isinstance(item["input"], str | int | float) and item["type"] != "value_error":
        message = f"{message}, not '{item['input']}'{quote_hint(item['type'], item['input'])}"
    return f"{place}: {message}" if place else message


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    if len(location) == 1:
        return list(Declarations.model_fields)
    return list((Property if location[0] == "properties" else Method).model_fields)
