"""YAML files that people write: read as YAML 1.2 means them, refused with file, line and key.

The schema is YAML 1.2's core one (https://yaml.org/spec/1.2.2/#103-core-schema): `No` is text, `1e2` a number, `12:30` and
dates text, `010` ten. What the values mean is the business of the model that they are read as.
"""

import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from catalyst_assets.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)

# Aliases may repeat what is written so many times; a few lines of them can stand for billions of values.
_MOST_REPEATED: Final = 10
_ALWAYS_ALLOWED: Final = 100_000
# Composing recurses once a level; so many values are read in a second or two.
_MOST_LEVELS: Final = 100
_MOST_VALUES: Final = 50_000
_MOST_CHARACTERS: Final = 1_000_000
_MOST_DIGITS: Final = 4_000
# No text of PostgreSQL holds a zero, no terminal the others; the escape "\0" passes what the reader checks.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_MERGE: Final = "tag:yaml.org,2002:merge"
_NULL: Final = re.compile(r"~|null|Null|NULL|")
_BOOL: Final = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


# Several times faster, where PyYAML was built with libyaml.
if TYPE_CHECKING:
    from yaml import SafeLoader as _Safe
else:
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_Safe):
    """PyYAML's safe loader with the scalars of YAML 1.2 instead of those of 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", _BOOL, list("tTfF")),
    ("tag:yaml.org,2002:int", _INT, list("-+0123456789")),
    ("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789")),
    (_MERGE, re.compile("<<"), ["<"]),
):
    _CoreLoader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern.pattern})$"), _first)


def _whole_number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"line {node.start_mark.line + 1}: a number of more than {_MOST_DIGITS} digits")
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


_CoreLoader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def load_yaml(text: str) -> Any:
    """Return the one document of a text.

    Raises
    ------
    ValueError
        It is not YAML, gives a key twice, holds a control character, is nested too deep, is too large, has too many values
        or stands for far more than is written; the message begins with the line.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters, more than {_MOST_CHARACTERS:,}")
    try:
        _refuse_excess(text)
        loader = _CoreLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _refuse_repeated(loader, node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parts = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise ValueError(f"line {mark.line + 1 if mark else '?'}: {parts}") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except (KeyError, IndexError, TypeError, AttributeError) as error:  # of an explicit tag that does not fit
        raise ValueError(f"a tag does not fit its value ({error})") from None


def read_yaml(path: Path, what: str, refusal: type[UsageError] = UsageError) -> Any:
    """Return the document of a file; ``what`` is what messages call the file, such as ``mapping file``.

    Raises
    ------
    UsageError
        As a ``refusal``: the file is missing, is not YAML, or gives a key twice.
    """
    try:
        return load_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise refusal(f"Cannot read the {what} {path}: it is not UTF-8.", "Give a YAML text file.") from None
    except OSError as error:
        raise refusal(f"Cannot read the {what} {path}: {error.strerror}.", "Give a YAML text file.") from None
    except ValueError as error:
        raise refusal(f"Cannot read the {what} {path}: {error}.", "Correct it at that place.") from None


def read_model(path: Path, model: type[Model], what: str) -> Model:
    """Read a file as a model; ``what`` is what messages call the file, such as ``mapping file``.

    Raises
    ------
    UsageError
        The file is missing, is not YAML, gives a key twice, or says something the model does not know.
    """
    document = read_yaml(path, what)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(
            ": ".join(part for part in (".".join(map(str, item["loc"])), _message(item)) if part)
            for item in error.errors(include_url=False)
        )
        raise UsageError(f"The {what} {path} is not valid: {problems}.", "Correct the file.") from None


def read_mapping(path: Path, what: str) -> dict[Any, Any]:
    """Return what a file says by its keys, unjudged; ``what`` is what messages call it, such as ``mapping file``.

    Raises
    ------
    UsageError
        The file is missing, is not YAML, gives a key twice, or is no mapping.
    """
    document = read_yaml(path, what)
    if not isinstance(document, dict):
        raise UsageError(f"The {what} {path} is no mapping of names.", "Correct the file.")
    return document


def quote_hint(kind: str, given: object) -> str:
    """Return what helps where a number stands for text: quotes keep it as it is written."""
    wants_text = kind in {"string_type", "invalid_key", "string_sub_type"}
    return ": put it in quotes" if wants_text and isinstance(given, int | float) else ""


def _message(item: Any) -> str:
    return f"{item['msg']}{quote_hint(item['type'], item['input'])}"


def _refuse_excess(text: str) -> None:
    """Refuse what is nested too deep or has too many values, before more than that is read."""
    levels = n_values = 0
    for event in yaml.parse(text, Loader=_Safe):
        if isinstance(event, yaml.CollectionEndEvent):
            levels -= 1
        elif isinstance(event, yaml.NodeEvent):
            levels += isinstance(event, yaml.CollectionStartEvent)
            n_values += 1
        line = event.start_mark.line + 1 if event.start_mark else 0
        if levels > _MOST_LEVELS:
            raise ValueError(f"line {line}: it is nested too deep, beyond {_MOST_LEVELS} levels")
        if n_values > _MOST_VALUES:
            raise ValueError(f"line {line}: it has more than {_MOST_VALUES:,} values")


def _refuse_repeated(loader: _CoreLoader, root: yaml.Node) -> None:
    """Refuse a key that a mapping gives twice, an anchor within itself, and aliases that repeat without bound."""
    nodes = list(_walk(root))
    sizes: dict[int, int] = {}
    for node in nodes:  # children come before what holds them
        sizes[id(node)] = 1 + sum(sizes[id(child)] for child in _children(node))
        if isinstance(node, yaml.ScalarNode) and (control := _CONTROL.search(node.value)):
            line = node.start_mark.line + 1
            raise ValueError(f"line {line}: a text holds the control character U+{ord(control[0]):04X}")
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_keys(loader, node)
    if sizes[id(root)] > max(_ALWAYS_ALLOWED, _MOST_REPEATED * len(nodes)):
        raise ValueError(f"its aliases repeat what is written to {sizes[id(root)]:.3g} values")


def _refuse_repeated_keys(loader: _CoreLoader, node: yaml.MappingNode) -> None:
    first: dict[Hashable, int] = {}
    for key_node, _ in node.value:
        line = key_node.start_mark.line + 1
        is_plain = isinstance(key_node, yaml.ScalarNode) and key_node.tag != _MERGE
        key = loader.construct_object(key_node, deep=True) if is_plain else getattr(key_node, "value", None)
        if not isinstance(key, Hashable):
            raise ValueError(f"line {line}: a list or mapping cannot be a key")
        if key in first:
            raise ValueError(f"line {line}: the key '{key}' is given twice, first in line {first[key]}")
        first[key] = line


def _walk(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield every node once, what it holds before it."""
    done, open_nodes = set[int](), set[int]()
    stack = [(root, False)]
    while stack:
        node, is_left = stack.pop()
        if is_left:
            open_nodes.discard(id(node))
            done.add(id(node))
            yield node
        elif id(node) in open_nodes:
            raise ValueError(f"line {node.start_mark.line + 1}: an anchor holds itself")
        elif id(node) not in done:
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in _children(node))


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
