"""Where the files beside the packages lie: in a checkout at its top, in a wheel inside this package."""

from pathlib import Path


def project_file(name: str) -> Path:
    """Return the path of a file or folder of the project, such as ``sql`` or ``workspace.yaml``.

    Raises
    ------
    FileNotFoundError
        Neither the checkout nor the installed wheel holds it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_project", package.parent):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"The installation is incomplete: {name} is missing beside {package}.")
