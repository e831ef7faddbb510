"""Campaign files: which there are, and how one becomes a ``Campaign`` or a message a person can act on."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from catalyst_assets.campaigns.derivations import DERIVATIONS
from catalyst_assets.campaigns.model import Bound, Campaign, Derivation
from catalyst_assets.campaigns.sense import find_nonsense
from catalyst_assets.errors import InvalidCampaignError
from catalyst_assets.vocabulary.known import known_methods, known_properties, unit_of
from catalyst_assets.vocabulary.words import WHERE_DECLARED, close_to, unknown
from resources.yaml_files import quote_hint, read_yaml

CAMPAIGN_FOLDER = Path(__file__).parent
_AGAIN: Final = "Correct these fields and run the command again."
_FIELD: Final = re.compile(r"([a-z_]+(?:\.[a-z0-9_]+)*)(?:: | wants )")


def list_campaigns() -> list[str]:
    """Return the names of the campaigns that ship with the platform."""
    return sorted(path.stem for path in CAMPAIGN_FOLDER.glob("*.yaml"))


def load_campaign(path_or_name: str | Path) -> Campaign:
    """Read a campaign from a YAML file, or by the name of one that ships with the platform.

    Raises
    ------
    InvalidCampaignError
        There is no such file, it is not YAML, a field is missing, unknown or out of its range, or it wants what nothing
        can be: see :mod:`catalyst_assets.campaigns.sense`.
    """
    path = _find(path_or_name)
    document = read_yaml(path, "campaign", InvalidCampaignError)
    if not isinstance(document, dict):
        raise InvalidCampaignError(
            f"Campaign {path} holds {'nothing' if document is None else type(document).__name__}, not fields.",
            f"Write one `field: value` a line; see {CAMPAIGN_FOLDER / 'oxide-perovskites-demo.yaml'}.",
        )
    if document and document.keys() <= {"properties", "methods"}:
        raise InvalidCampaignError(
            f"{path} declares properties and methods: it is no campaign.",
            "Name it with CATALYST_PROPERTIES_FILE, and give the file of a campaign here.",
        )
    return parse_sensible(document, str(path))


def parse_sensible(document: dict[str, Any], where: str) -> Campaign:
    """Validate what a person wants of a campaign; ``where`` names it in messages.

    Raises
    ------
    InvalidCampaignError
        A field is missing, unknown or out of its range, or it wants what nothing can be.
    """
    campaign = parse_campaign(document, where)
    if nonsense := find_nonsense(campaign):
        told = "; ".join(nonsense)
        raise InvalidCampaignError(
            f"Campaign {where} is not valid: {told}{'' if told.endswith('?') else '.'}",
            _AGAIN,
            placed(nonsense),
        )
    return campaign


def placed(sentences: Iterable[str]) -> list[tuple[str, str]]:
    """Return sentences that begin with a field as that field and what is wrong there."""
    return [
        (found[1], sentence.removeprefix(found[1]).removeprefix(":").strip())
        if (found := _FIELD.match(sentence))
        else ("", sentence)
        for sentence in sentences
    ]


def parse_campaign(document: dict[str, Any], where: str) -> Campaign:
    """Validate a campaign document; ``where`` names it in messages.

    Raises
    ------
    InvalidCampaignError
        A field is missing, unknown or out of its range.
    """
    try:
        return Campaign.model_validate(document)
    except ValidationError as error:
        problems = [_explain(item) for item in error.errors(include_url=False)]
        told = "; ".join(": ".join(filter(None, problem)) for problem in problems)
        raise InvalidCampaignError(f"Campaign {where} is not valid: {told}.", _AGAIN, problems) from None


def read_stored(document: dict[str, Any]) -> Campaign:
    """Return the campaign of a document that the database keeps.

    Raises
    ------
    InvalidCampaignError
        This version cannot read it.
    """
    return parse_campaign(document, f"{document.get('name')}, as it was stored by another version,")


def check_known(campaign: Campaign) -> None:
    """Refuse a campaign that names a property or method nobody declared, or derives a property from another kind.

    Raises
    ------
    InvalidCampaignError
        Names the property or method and those that come close, or what the function takes and gives.
    """
    named = {*campaign.properties, *campaign.learned_properties, *campaign.derive}
    if campaign.pool.lacks is not None:
        named.add(campaign.pool.lacks.property)
    named |= {prior.property for prior in campaign.prior or ()}
    properties = known_properties()
    unknown_names = sorted(named - set(properties))
    problems = [f"unknown property '{name}'{close_to(name, properties)}" for name in unknown_names]
    methods = {"method": campaign.method}
    if campaign.pool.lacks is not None:
        methods["pool.lacks.method"] = campaign.pool.lacks.method
    if campaign.pool.energy_above_hull is not None:
        methods["pool.energy_above_hull.method"] = campaign.pool.energy_above_hull.method
    methods |= {f"prior.{place}.method": prior.method for place, prior in enumerate(campaign.prior or ())}
    problems += [
        f"{field}: unknown method '{method}'{close_to(method, known_methods())}"
        for field, method in methods.items()
        if method not in known_methods()
    ]
    potentials = [name for name, method in known_methods().items() if method.kind == "potential"]
    relaxed_by = campaign.pool.relaxed_by
    if relaxed_by is not None and relaxed_by not in potentials:
        problems.append(
            f"pool.relaxed_by: unknown potential '{relaxed_by}'{close_to(relaxed_by, potentials)}"
        )
    if problems:
        raise InvalidCampaignError(
            f"Campaign {campaign.name} is not valid: {'; '.join(problems)}.",
            f"Correct the name, or declare it: {WHERE_DECLARED}.",
            [*_places_of(campaign, unknown_names, problems), *placed(problems[len(unknown_names) :])],
        )
    problems = [problem for name in campaign.derive for problem in _misused(name, campaign.derive[name])]
    if problems:
        raise InvalidCampaignError(
            f"Campaign {campaign.name} is not valid: {'; '.join(problems)}.",
            "`catalyst campaign derivations` says what each function takes and gives.",
            placed(problems),
        )


def _places_of(
    campaign: Campaign, names: Sequence[str], problems: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield where a campaign names each of these, with what is wrong with it."""
    for name, problem in zip(names, problems, strict=False):
        for place in list(_find_text(campaign.document, name, ())) or [""]:
            yield place, problem


def _find_text(value: Any, wanted: str, location: tuple[str, ...]) -> Iterator[str]:
    if value == wanted:
        yield ".".join(location)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == wanted:
                yield ".".join((*location, key))
            yield from _find_text(item, wanted, (*location, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _find_text(item, wanted, (*location, str(index)))


def _misused(name: str, derivation: Derivation) -> Iterator[str]:
    """Yield what is wrong with the kinds and units of a derivation."""
    formula = DERIVATIONS[derivation.function]
    for argument, taken in zip(derivation.arguments, formula.arguments, strict=True):
        if argument not in taken.properties:
            wanted = " or ".join(taken.properties)
            yield f"derive.{name}: {derivation.function} takes the {taken.kind} ({wanted}), not {argument}"
    unit = unit_of(name)
    if unit != formula.unit:
        yield (
            f"derive.{name}: {derivation.function} gives the {formula.gives} in {formula.unit}, "
            f"{name} is in {unit}"
        )


def _find(path_or_name: str | Path) -> Path:
    path = Path(path_or_name)
    if path.is_file():
        return path
    shipped = CAMPAIGN_FOLDER / f"{path_or_name}.yaml"
    if Path(path_or_name).name == str(path_or_name) and shipped.is_file():
        return shipped
    looks_like_file = path.suffix in {".yaml", ".yml"} or len(path.parts) > 1
    problem = f"file {path}" if looks_like_file else unknown("campaign", str(path_or_name), list_campaigns())
    raise InvalidCampaignError(
        f"There is no campaign {problem}." if looks_like_file else f"{problem[0].upper()}{problem[1:]}.",
        f"Give the path of a YAML file or one of the shipped names: {', '.join(list_campaigns())}.",
    )


def _explain(item: ErrorDetails) -> tuple[str, str]:
    # Pydantic names the branch of the union it took; a real field of that name is kept once.
    parts = [part for part in item["loc"] if part != "bound"]
    parts = [part for i, part in enumerate(parts) if not (i and part == parts[i - 1] == "any_of")]
    field = ".".join(str(part) for part in parts)
    if item["type"] == "extra_forbidden":
        return field, unknown("field", str(parts[-1]), _fields_at(parts[:-1]))
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "missing":
        message = "is missing"
    elif item["type"] == "tuple_type":
        message = "must be a list"
    elif item["type"] in {"model_type", "dict_type"}:
        message = "must be a mapping of fields"
    elif isinstance(item["input"], str | int | float | bool) and item["type"] != "value_error":
        message = f"{message}, not '{item['input']}'{quote_hint(item['type'], item['input'])}"
    return (field, message) if field else placed([message])[0]


def _fields_at(location: list[int | str]) -> list[str]:
    """Return the fields allowed at a place of the document."""
    if location[:1] == ["criteria"]:
        bound = list(Bound.model_fields)
        if "any_of" not in location:
            return [*bound, "any_of"]
        return bound if isinstance(location[-1], int) else ["any_of"]
    model: Any = Campaign
    for part in location:
        if part in model.model_fields:  # else it is a key or a place within the field before
            annotation = model.model_fields[part].annotation
            kinds = (annotation, *get_args(annotation))
            model = next(kind for kind in kinds if hasattr(kind, "model_fields"))
    return list(model.model_fields)
