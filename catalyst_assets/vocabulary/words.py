"""What a file declares of properties and methods, and how two such files become one vocabulary.

Reading files is `known`'s business; what a unit means that of `units`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

# Expected of a property of which nothing is known, not even a range.
_NOTHING_KNOWN: Final = (0.0, 1.0)
_ROUNDING: Final = 1e-6
_NARROWEST: Final = 1e-3
WHERE_DECLARED: Final = "`catalyst campaign properties` lists what is known, and says how to declare your own"
MethodKind = Literal["functional", "potential", "experiment"]


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is no number")
    return value


def _no_entry(value: Any) -> Any:
    """Take a key without anything below it, such as one whose entries are comments, as a mapping without entries."""
    return {} if value is None else value


def _one_line(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise ValueError("must be one line without blanks around it")
    return text


Number = Annotated[float, BeforeValidator(_no_bool)]
Line = Annotated[str, AfterValidator(_one_line)]
PropertyName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
MethodName = Annotated[Line, Field(min_length=1, max_length=100)]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)


class Property(_Declared):
    """A property that campaigns and tables can name."""

    unit: Line = Field(
        min_length=1, max_length=40, description="Of every stored value; `dimensionless` for a plain number."
    )
    low: Number = Field(-math.inf, description="A value below is refused as unphysical.")
    high: Number = Field(math.inf, description="A value above is refused as unphysical.")
    label: Line = Field("", max_length=80, description="What people read; by default the name.")
    description: str = Field("", max_length=500, description="One line that says what it is.")
    zero_inflated: bool | None = Field(
        None,
        description="Whether exact zeros are a class of their own that is learned apart, as metals among band gaps; "
        "not given, the labels tell.",
    )
    typical_mean: Number | None = Field(None, allow_inf_nan=False, description="To expect without any label.")
    typical_std: Number | None = Field(None, allow_inf_nan=False, gt=0, description="Spread around it.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if math.isnan(self.low) or math.isnan(self.high) or not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be less than high ({self.high:g})")
        if self.high - self.low < _NARROWEST:
            raise ValueError(
                f"a range as narrow as {self.range_text} is lost in rounding: choose a smaller unit"
            )
        if (self.typical_mean is None) != (self.typical_std is None):
            raise ValueError("give typical_mean and typical_std together, or neither")
        if self.typical_mean is not None and not self.low <= self.typical_mean <= self.high:
            raise ValueError(f"typical_mean ({self.typical_mean:g}) is outside {self.range_text}")
        if self.zero_inflated and self.low != 0:
            raise ValueError(
                f"zero_inflated needs `low: 0`, not {self.low:g}: zeros are the lowest values then"
            )
        return self

    def without_rounding(self, value: float) -> float:
        """Return a value, or the end of the range where it lies past it by no more than rounding.

        Energies are published with six decimals, and a hull computed from them gives -2e-16 to -1e-6 on it.
        """
        nearest = min(max(value, self.low), self.high)
        return nearest if abs(value - nearest) <= _ROUNDING * min(1.0, self.high - self.low) else value

    def admits(self, value: float) -> bool:
        """Say whether a value is physical; NaN is not."""
        return self.low <= self.without_rounding(value) <= self.high

    @property
    def range_text(self) -> str:
        """The physical range as people write it."""
        low = "−∞" if math.isinf(self.low) else f"{self.low:g}"
        return f"{low} to {'∞' if math.isinf(self.high) else f'{self.high:g}'}"

    @property
    def range_json(self) -> tuple[float | None, float | None]:
        """The physical range, None at an open end."""
        return (
            None if math.isinf(self.low) else self.low,
            None if math.isinf(self.high) else self.high,
        )

    @property
    def expected(self) -> tuple[float, float]:
        """Mean and standard deviation before anything was measured: as declared, else of a uniform one on the range."""
        if self.typical_mean is not None and self.typical_std is not None:
            return self.typical_mean, self.typical_std
        if math.isinf(self.high - self.low):
            return min(max(_NOTHING_KNOWN[0], self.low), self.high), _NOTHING_KNOWN[1]
        return (self.low + self.high) / 2, (self.high - self.low) / math.sqrt(12)


class Method(_Declared):
    """How values were obtained; values of different methods never mix."""

    kind: MethodKind = Field(
        description="functional (first principles), potential (interatomic, learned or not) or experiment."
    )
    description: str = Field("", max_length=500, description="One line that says what it is.")


class Declarations(_Declared):
    """One file: properties and methods by their names."""

    properties: Annotated[dict[PropertyName, Property], BeforeValidator(_no_entry)] = Field(
        default_factory=dict
    )
    methods: Annotated[dict[MethodName, Method], BeforeValidator(_no_entry)] = Field(default_factory=dict)


@dataclass(frozen=True)
class Vocabulary:
    """Every property and method that can be named.

    Attributes
    ----------
    own
        Names that the deployment's file declares, ``property`` or ``method`` before each.
    """

    properties: Mapping[str, Property]
    methods: Mapping[str, Method]
    own: frozenset[tuple[str, str]] = frozenset()

    def is_own(self, kind: Literal["property", "method"], name: str) -> bool:
        """Tell whether the deployment's file declares it."""
        return (kind, name) in self.own


def join(shipped: Declarations, own: Declarations) -> Vocabulary:
    """Put a deployment's words beside those shipped.

    A shipped name may be declared again to change its label, range, description or what is typical; what is not given
    stays as shipped.

    Raises
    ------
    ValueError
        Names every own declaration that contradicts a shipped one or is the same but for upper and lower case.
    """
    problems = [*_contradictions(shipped, own)]
    if problems:
        raise ValueError("; ".join(problems))
    properties = dict(shipped.properties)
    for name, declared in own.properties.items():
        before = shipped.properties.get(name)
        kept = before.model_dump() if before else {}
        properties[name] = Property.model_validate(kept | declared.model_dump(exclude_unset=True))
    named = {("property", name) for name in own.properties} | {("method", name) for name in own.methods}
    return Vocabulary(properties, {**shipped.methods, **own.methods}, frozenset(named))


def close_to(name: str, known: Iterable[str]) -> str:
    """Return which of ``known`` a name that nobody declared may have meant, as a question; nothing if none comes close."""
    folded = {each.casefold(): each for each in known}
    close = [folded[each] for each in get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)]
    return f": did you mean {' or '.join(close)}?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is not one of ``known``, which come close, and all of them."""
    names = list(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"unknown {kind} '{name}': {hint}known are {', '.join(names)}"


def _contradictions(shipped: Declarations, own: Declarations) -> Iterator[str]:
    for name, declared in own.properties.items():
        known = shipped.properties.get(name)
        if known is not None and known.unit != declared.unit:
            yield (
                f"properties.{name}.unit: {name} is shipped in {known.unit} and cannot be stored in "
                f"'{declared.unit}': leave its unit, or give yours another name (tables may be in any unit)"
            )
    for name, method in own.methods.items():
        known_method = shipped.methods.get(name)
        if known_method is not None and known_method.kind != method.kind:
            yield (
                f"methods.{name}.kind: {name} is shipped as {known_method.kind}, not as {method.kind}: "
                "give yours another name"
            )
    yield from _differ_in_case("properties", [*shipped.properties, *own.properties])
    yield from _differ_in_case("methods", [*shipped.methods, *own.methods])


def _differ_in_case(kind: str, names: list[str]) -> Iterator[str]:
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            yield f"{kind}.{name}: '{other}' is the same but for upper and lower case: use that name, or another"
