"""MNIST from mirrors: checked, bounded, atomic; a clear line without a network."""

import gzip
import hashlib

import pytest

from refimpl.data import download as mnist_download
from refimpl.reproduce import cli

MIRRORS = ("https://one.example/", "https://two.example/")


@pytest.fixture
def served(monkeypatch):
    """What the mirrors serve: gzipped bytes by name, small files made official."""
    data = {name: name.encode() * 10 for name in mnist_download.MNIST_FILES}
    official = {n: (hashlib.md5(d).hexdigest(), len(d)) for n, d in data.items()}
    monkeypatch.setattr(mnist_download, "MNIST_FILES", official)
    return {name: gzip.compress(part) for name, part in data.items()}


def server(served, asked=None):
    def fetch(address, limit):
        if asked is not None:
            asked.append(address)
        return served[address.rsplit("/", 1)[1].removesuffix(".gz")][:limit]

    return fetch


def offline(address, limit):
    raise OSError("no network")


def test_the_four_files_are_written_as_they_came(tmp_path, served):
    folder = tmp_path / "new" / "mnist"
    mnist_download.download(folder, MIRRORS, server(served))
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found == {f"{name}.gz": packed for name, packed in served.items()}


def test_files_that_are_there_are_not_fetched(tmp_path, served):
    for name in served:
        (tmp_path / name).write_bytes(b"")
    mnist_download.download(tmp_path, MIRRORS, offline)


def test_the_next_mirror_serves_where_one_does_not(tmp_path, served):
    asked = []

    def fetch(address, limit):
        asked.append(address)
        if address.startswith(MIRRORS[0]):
            raise OSError("not here")
        return server(served)(address, limit)

    mnist_download.download(tmp_path, MIRRORS, fetch)
    assert len(asked) == 8 and len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("kind", ["other", "bomb", "cut", "no gzip", "page"])
def test_what_is_not_the_official_file_is_not_written(tmp_path, served, kind):
    name = next(iter(served))
    served[name] = {
        "other": gzip.compress(b"other"),
        "bomb": gzip.compress(bytes(10**7)),
        "cut": served[name][:-9],
        "no gzip": b"no gzip",
        "page": b"<html>not found</html>",
    }[kind]
    with pytest.raises(ValueError, match="put .*ubyte.gz in ") as error:
        mnist_download.download(tmp_path, MIRRORS, server(served))
    assert all(mirror in str(error.value) for mirror in MIRRORS)
    assert not list(tmp_path.iterdir())


def test_without_a_network_one_line_says_where_to_put_the_files(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(mnist_download, "fetch_https", offline)
    arguments = ["--quick", "--jobs=1", "--download-mnist", f"--mnist={tmp_path}"]
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
    assert "no network" in err and f"idx1-ubyte.gz in {tmp_path}" in err


def test_nothing_is_fetched_unless_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(
        mnist_download, "fetch_https", lambda *_: pytest.fail("fetched")
    )
    arguments = ["--quick", "--jobs=1", f"--mnist={tmp_path}"]
    assert cli.main(arguments) == 2


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing(
    tmp_path, served, monkeypatch
):
    def full(source, target):
        assert source.stat().st_size > 0 and not target.exists()
        raise OSError("no space left")

    monkeypatch.setattr(mnist_download.os, "replace", full)
    with pytest.raises(ValueError, match="cannot be written: no space left"):
        mnist_download.download(tmp_path, MIRRORS, server(served))
    assert not list(tmp_path.iterdir())


def test_mirrors_must_be_https(tmp_path):
    with pytest.raises(ValueError, match="must begin with https://, got 'http://a/'"):
        mnist_download.download(tmp_path, ["http://a/"], offline)
    assert all(one.startswith("https://") for one in mnist_download.MIRRORS)


def test_the_default_folder_is_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert str(mnist_download.default_folder()) == "/somewhere/refimpl/mnist"


def test_a_bomb_is_unpacked_one_byte_beyond_the_official_size(tmp_path, served):
    name = next(iter(served))
    served[name] = gzip.compress(bytes(10**7))
    size = mnist_download.MNIST_FILES[name][1]
    seen = hashlib.md5(bytes(size + 1)).hexdigest()
    with pytest.raises(ValueError, match=f"MD5 is {seen}"):
        mnist_download.download(tmp_path, MIRRORS, server(served))
