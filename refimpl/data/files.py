"""Files that are written whole or not at all."""

import os
import re
from pathlib import Path

MARK = ".refimpl-"  # begins the names of files that are being written


def write_atomically(path, write):
    """Call ``write(temporary_path)``, then put the file in the place of `path`.

    Whatever breaks off, `path` is either the old file or the new one.
    """
    path = Path(path)
    temporary = path.with_name(f"{MARK}{os.getpid()}-{path.name}")
    try:
        write(temporary)
        if path.is_dir():  # not ours, and in the way
            os.replace(path, path.with_name(f"{path.name}.damaged"))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path, content):
    """Write `content`, atomically."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_text(path, text):
    """Write `text` in UTF-8, atomically."""
    write_atomically(path, lambda t: t.write_text(text, encoding="utf-8"))


def remove_temporaries(folder):
    """Delete what `write_atomically` left in `folder` when it was killed."""
    for path in Path(folder).rglob(f"{MARK}*-*"):
        writer = re.match(rf"{re.escape(MARK)}(\d+)-", path.name)
        if writer and path.is_file() and not _alive(int(writer[1])):
            path.unlink(missing_ok=True)


def _alive(pid):
    if os.name != "posix":  # elsewhere to ask is to kill
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
