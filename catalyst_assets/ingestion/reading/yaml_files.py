"""YAML files that people write: one message that names the file and every field that is wrong."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from catalyst_assets.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


def read_model(path: Path, model: type[Model], what: str) -> Model:
    """Read a file as a model; ``what`` is what messages call the file, such as ``mapping file``.

    Raises
    ------
    UsageError
        The file is missing, is not YAML, or says something the model does not know.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise UsageError(f"Cannot read the {what} {path}: {reason}.", "Correct the file.") from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(
            ": ".join(part for part in (".".join(map(str, item["loc"])), item["msg"]) if part)
            for item in error.errors(include_input=False, include_url=False)
        )
        raise UsageError(f"The {what} {path} is not valid: {problems}.", "Correct the file.") from None
