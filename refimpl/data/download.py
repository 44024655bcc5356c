"""MNIST from the mirrors, on request: each file checked before it has its name.

The pages of LeCun no longer serve the files. What a mirror sends is bounded in size,
unpacked in memory and compared with the official checksum, so a mirror need not be
trusted; then it is written as it came, gzipped. Pooch, the usual downloader, would not
do: it bounds no size, and its checksum is that of the packed bytes, while mirrors may
pack as they like.
"""

import gzip
import hashlib
import http.client
import io
import os
import zlib
from pathlib import Path
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request

from refimpl.data.files import write_bytes
from refimpl.data.mnist_files import MNIST_FILES

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
TIMEOUT = 30  # seconds without an answer


def default_folder():
    """Where downloads go without `--mnist`: the user's cache directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "refimpl" / "mnist"


def download(folder, mirrors=MIRRORS, fetch=None):
    """Put the four files of MNIST in `folder`; those that are there stay.

    The `mirrors`, whose addresses begin with https, are tried in turn by
    ``fetch(address, limit)``, which gives at most `limit` bytes or raises ``OSError``.
    ``ValueError`` if none gives an official file, with the place to put the files by
    hand, or if the folder cannot be written.
    """
    folder, fetch = Path(folder), fetch or fetch_https
    for mirror in mirrors:
        if not mirror.startswith("https://"):
            raise ValueError(f"mirrors must begin with https://, got {mirror!r}")
    for name in MNIST_FILES:
        present = [folder / f"{name}.gz", folder / name]
        if not any(path.is_file() for path in present):
            packed = _from_mirrors(name, folder, mirrors, fetch)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                write_bytes(present[0], packed)
            except OSError as error:
                raise ValueError(
                    f"the folder for MNIST, {folder}, cannot be written: {error}"
                ) from None


def _from_mirrors(name, folder, mirrors, fetch):
    """The gzipped file `name` from the first mirror that has the official one."""
    md5, size = MNIST_FILES[name]
    limit, problems = size + 2**16, []  # incompressible bytes are no larger packed
    for mirror in mirrors:
        try:
            packed = fetch(f"{mirror}{name}.gz", limit)
            data = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(size + 1)
        except (OSError, EOFError, zlib.error, http.client.HTTPException) as error:
            problems.append(f"{mirror}: {error}")
            continue
        found = hashlib.md5(data).hexdigest()
        if found == md5:
            return packed
        problems.append(f"{mirror}: MD5 is {found}, expected {md5}")
    raise ValueError(
        f"MNIST could not be downloaded ({'; '.join(problems)}): put "
        f"{', '.join(f'{name}.gz' for name in MNIST_FILES)} in {folder}"
    )


def fetch_https(address, limit):
    """At most `limit` bytes from `address`, over HTTPS and without redirection."""
    opener = OpenerDirector()  # knows no other protocol
    opener.add_handler(ProxyHandler())
    opener.add_handler(HTTPSHandler())
    with opener.open(Request(address), timeout=TIMEOUT) as answer:
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return answer.read(limit)
