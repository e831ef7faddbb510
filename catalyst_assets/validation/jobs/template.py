"""The command of a calculation, from a template such as ``srun -n 32 {python} {script} {job}``.

It is split as a shell would split it and given to the operating system as it is: no shell ever reads it.
"""

import os
import shlex
import shutil
import string
from collections.abc import Collection, Mapping
from typing import Final

from catalyst_assets.errors import UsageError

PLACEHOLDERS: Final[Mapping[str, str]] = {
    "python": "the interpreter that the platform runs on",
    "script": "the script that computes",
    "job": "the folder of the calculation",
}
_MOST_CHARACTERS: Final = 4_000


def split_template(template: str, origin: str, needed: Collection[str] = ("job",)) -> tuple[str, ...]:
    """Return the words of a template, checked.

    Parameters
    ----------
    origin
        Where it was written, for messages: the name of a setting, or the field of a campaign.
    needed
        Placeholders that it must have.

    Raises
    ------
    UsageError
        It is empty, its quotes do not match, or it names what there is not or lacks what it needs.
    """
    try:
        words = tuple(shlex.split(template))
    except ValueError as error:
        raise UsageError(
            f"{origin} cannot be split into words ({str(error).lower()}): {template!r}.",
            "Close every quote, as in a shell.",
        ) from None
    if not words or not words[0] or len(template) > _MOST_CHARACTERS or "\0" in template:
        raise UsageError(
            f"{origin} holds no command.", f"Write one of 1 to {_MOST_CHARACTERS:,} characters: {_example()}."
        )
    named = {name for word in words for name in _placeholders(word, origin)}
    lacking = [name for name in needed if name not in named]
    if lacking:
        absent = " and ".join(f"{{{name}}} ({PLACEHOLDERS[name]})" for name in lacking)
        raise UsageError(
            f"{origin} does not say {absent}: {template!r}.", f"Write, for example, {_example()}."
        )
    return words


def fill_template(words: Collection[str], values: Mapping[str, str]) -> list[str]:
    """Return the command: the words of a checked template with its placeholders replaced."""
    return [word.format_map(values) for word in words]


def find_program(words: Collection[str], values: Mapping[str, str]) -> str:
    """Return why the program of a template cannot be started, or nothing."""
    program = fill_template(words, values)[0]
    if shutil.which(program) is not None:
        return ""
    if os.sep in program:
        return f"{program} is no file that can be executed"
    return f"there is no program {program} on PATH"


def _placeholders(word: str, origin: str) -> list[str]:
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        parts = [part for part in string.Formatter().parse(word) if part[1] is not None]
    except ValueError as error:
        raise UsageError(
            f"{origin} has a brace that nothing closes or opens ({error}): {word!r}.",
            f"Placeholders are {known}; a brace of its own is written twice.",
        ) from None
    for _, name, form, converted in parts:
        if name not in PLACEHOLDERS or form or converted:
            raise UsageError(
                f"{origin} has a placeholder that there is not: {{{name}}} in {word!r}.",
                f"Placeholders are {known}; a brace of its own is written twice.",
            )
    return [str(name) for _, name, _, _ in parts]


def _example() -> str:
    return "`srun -n 32 {python} {script} {job}`"
