"""What is recorded of the machine and the code is there, and is not another's."""

import re

from refimpl import environment


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
