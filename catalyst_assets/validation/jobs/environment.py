"""What a program of a user's may know of this process: what it finds its way by, and no key or password of ours."""

from typing import Final

_SECRET: Final = ("CATALYST_", "DAGSTER_", "MLFLOW_", "MP_API_", "AWS_", "PG")


def clean_environment() -> dict[str, str]:
    """Return the variables that the process of a calculation gets."""
    from resources.services import inherited_environment

    return {name: value for name, value in inherited_environment().items() if not name.startswith(_SECRET)}
