"""What is recorded of the machine and the code is there, and is not another's."""

import re
import shutil
import subprocess

import pytest

from refimpl.reproduce import environment


def test_all_is_said_in_words():
    made = environment.environment(jobs=3)
    assert all(isinstance(value, str) and value for value in made.values())
    assert made["jobs"] == "3" and re.match(r"\d+\.\d+", made["numpy"])


def test_a_package_outside_a_repository_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "PACKAGE", tmp_path)
    environment._commit.cache_clear()
    assert environment.environment()["commit"] == "not from a repository"
    environment._commit.cache_clear()


def test_a_commit_is_its_full_name():
    commit = environment.environment()["commit"]
    assert re.fullmatch(r"[0-9a-f]{40}(, with changes)?|not from a repository", commit)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_of_a_repository_around_the_package_is_not_its_own(
    tmp_path, monkeypatch
):
    names = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for command in (("init", "-q"), (*names, "commit", "-q", "--allow-empty", "-mx")):
        subprocess.run(("git", "-C", tmp_path, *command), check=True)
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(environment, "PACKAGE", tmp_path)
    environment._commit.cache_clear()
    assert environment._commit() is None
    environment._commit.cache_clear()
