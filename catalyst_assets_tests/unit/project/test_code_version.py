import subprocess
from pathlib import Path

from resources.code_version import code_version


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
    answer = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def test_a_checkout_is_named_by_its_commit_and_by_what_differs_from_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "pyproject.toml").write_text("a")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "m")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert code_version(tmp_path) == f"git:{commit}"
    named = set()
    for text in ("b", "c", "a"):
        (tmp_path / "pyproject.toml").write_text(text)
        code_version.cache_clear()
        named.add(code_version(tmp_path))
    assert len(named) == 3
    assert f"git:{commit}" in named
    assert sum(name.startswith(f"git:{commit}+changes:") for name in named) == 2


def test_without_a_checkout_it_is_the_packages_version(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")  # somebody else's, or with no commit yet
    assert code_version(tmp_path).startswith("catalyst-discovery ")
    (tmp_path / "pyproject.toml").write_text("a")
    code_version.cache_clear()
    assert code_version(tmp_path).startswith("catalyst-discovery ")
