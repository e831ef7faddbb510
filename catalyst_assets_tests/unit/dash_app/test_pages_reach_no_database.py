"""The pages hold no database credentials, so nothing that they import reaches the database."""

import json
import pkgutil
import subprocess
import sys

import pytest

import dash_app.components
import dash_app.components.candidates
import dash_app.components.lists
import dash_app.pages

REACHING = ("sqlalchemy", "psycopg2", "resources", "dash_app.api", "dagster")
MODULES = [
    "dash_app.client",
    "dash_app.contract",
    *(
        module.name
        for package in (
            dash_app.pages,
            dash_app.components,
            dash_app.components.candidates,
            dash_app.components.lists,
        )
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    ),
]


@pytest.fixture(scope="module")
def reached() -> dict[str, list[str]]:
    """Return what each module brings into a fresh process, one after the other."""
    script = (
        "import importlib, json, sys\n"
        f"found = {{}}\nfor name in {MODULES!r}:\n"
        "    importlib.import_module(name)\n"
        f"    found[name] = [each for each in {REACHING!r} if each in sys.modules]\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded: dict[str, list[str]] = json.loads(done.stdout)
    return loaded


@pytest.mark.parametrize("name", MODULES)
def test_importing_a_page_loads_nothing_that_reaches_the_database(
    name: str, reached: dict[str, list[str]]
) -> None:
    assert reached[name] == []
