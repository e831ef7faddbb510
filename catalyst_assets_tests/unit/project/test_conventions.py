"""What every part of the platform keeps to, read off the definitions and the project files."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.constants import OWNERS, Group
from catalyst_assets.definitions import defs
from catalyst_assets.vocabulary.known import known_methods, known_properties
from catalyst_assets_tests.places import PROJECT
from resources.settings import Settings

HEAVY = [
    "torch",
    "mace",
    "e3nn",
    "lightning",
    "pytorch_lightning",
    "botorch",
    "gpytorch",
    "pymatgen",
    "ase",
    "mlflow",
    "sklearn",
    "plotly",
    "matplotlib",
    "dash",
]
ASSETS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_the_loop_has_the_assets_of_the_design() -> None:
    assert set(ASSETS) >= {
        "raw_reference_tables",
        "materials",
        "backbone",
        "structure_embeddings",
        "labels",
        "training_set",
        "trained_model",
        "predictions",
        "ranked_candidates",
        "validation_results",
    }


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_asset_says_what_it_is(name: str) -> None:
    spec = ASSETS[name]
    assert spec.description
    assert len(spec.description) > 20
    assert spec.group_name in set(Group)
    assert spec.kinds
    if name != "labels":  # Dagster gives an observable source asset no owners
        assert list(spec.owners) == OWNERS


def test_loop_assets_are_partitioned_by_iteration() -> None:
    iterated = {name for name, spec in ASSETS.items() if spec.partitions_def is not None}
    assert iterated == {
        "labels",
        "training_set",
        "trained_model",
        "predictions",
        "ranked_candidates",
        "validation_results",
    }
    for name in iterated:
        definition = ASSETS[name].partitions_def
        assert isinstance(definition, dg.DynamicPartitionsDefinition)
        assert definition.name == "al_iteration"


def test_every_check_says_what_it_proves() -> None:
    checks = [spec for check in defs.asset_checks or [] for spec in check.check_specs]  # type: ignore[union-attr]
    assert checks
    assert [spec.name for spec in checks if not spec.description] == []


def test_each_stage_that_writes_values_has_a_blocking_check() -> None:
    checks = [spec for check in defs.asset_checks or [] for spec in check.check_specs]  # type: ignore[union-attr]
    guarded = {spec.asset_key.to_user_string() for spec in checks if spec.blocking}
    assert guarded >= {
        "materials",
        "structure_embeddings",
        "training_set",
        "predictions",
        "ranked_candidates",
        "validation_results",
    }


def test_definitions_load_no_heavy_module() -> None:
    program = (
        "import json, sys; import catalyst_assets.definitions; "
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(output.stdout) == []


def test_project_names_the_packages_it_promises() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        "catalyst_assets",
        "resources",
        "dash_app",
    ]
    assert set(project["project"]["optional-dependencies"]) == {"dft", "dev"}
    assert project["project"]["scripts"] == {"catalyst": "catalyst_assets.cli:main"}
    assert project["tool"]["dg"]["project"]["code_location_target_module"] == "catalyst_assets.definitions"


def test_every_requirement_is_pinned_in_the_constraints() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    required = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    names = {re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in required}
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", pin) for pin in pins), pins
    pinned = {_canonical(pin.split("==")[0]) for pin in pins}
    assert {_canonical(name) for name in names} - pinned == set()


def test_python_files_hold_one_idea() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [PROJECT / line for line in listed.stdout.splitlines()]
    assert len(paths) > 50
    lengths = {path.name: len(path.read_text().splitlines()) for path in paths if path.exists()}
    assert {name: count for name, count in lengths.items() if count > 400} == {}


def test_a_folder_holds_few_modules() -> None:
    packages = [
        folder.parent
        for top in ("catalyst_assets", "resources", "dash_app")
        for folder in (PROJECT / top).rglob("__init__.py")
    ]
    assert len(packages) > 25
    counts = {str(folder): len(list(folder.glob("*.py"))) - 1 for folder in packages}
    assert {folder: count for folder, count in counts.items() if count > 16} == {}


def test_readme_documents_every_setting() -> None:
    rows = re.findall(
        r"^\| `(?:CATALYST_)?([A-Z]\w+)` \| (.*?) \| (.*?) \|$",
        (PROJECT / "README.md").read_text(),
        re.MULTILINE,
    )
    documented = {name.lower(): (default, text) for name, default, text in rows}
    assert set(documented) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        assert documented[name] == (default, field.description)


def test_readme_shows_pictures_that_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\((docs/[^)]+)\)", (PROJECT / "README.md").read_text())
    assert set(pictures) >= {"docs/asset-graph.png", "docs/discovery-curve.png", "docs/review-app.png"}
    assert [path for path in pictures if not (PROJECT / path).is_file()] == []


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_page_of_properties_names_every_property_in_its_unit_and_every_method() -> None:
    page = (PROJECT / "docs" / "properties.md").read_text(encoding="utf-8")
    rows = {
        unit: re.search(rf"^\| {unit} \| (.*) \|$", page, re.MULTILINE)
        for unit in ("eV/atom", "eV", "V", "Å")
    }
    listed = {name: unit for unit, row in rows.items() if row for name in re.findall(r"`(\w+)`", row[1])}
    assert listed == {name: known.unit for name, known in known_properties().items()}
    (methods,) = re.findall(r"^Methods: (.*)\.$", page, re.MULTILINE)
    assert re.findall(r"`([^`]+)`", methods) == list(known_methods())


def test_nothing_reads_beside_the_checkout() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    beside = re.compile(r"\.\./shared\b|[\"'/]shared[\"'/]")
    names = [
        name for name in listed.stdout.splitlines() if Path(name).suffix in {".py", ".md", ".yaml", ".toml"}
    ]
    files = [PROJECT / name for name in names if (PROJECT / name).is_file()]
    assert len(files) > 300
    own = Path(__file__).resolve()
    assert [str(file) for file in files if file != own and beside.search(file.read_text("utf-8"))] == []
