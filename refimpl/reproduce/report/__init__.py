"""Results for readers: a table in the terminal, an HTML page, a Markdown page."""

from pathlib import Path

from refimpl.reproduce.report.terminal import table

HTML_FILE, MARKDOWN_FILE = "report.html", "report.md"

__all__ = ["HTML_FILE", "MARKDOWN_FILE", "table", "write"]


def write(out, claims):
    """Write ``report.html`` and ``report.md`` of the results folder `out`, atomically.

    Parameters
    ----------
    out : path
    claims : list of dict
        As in ``claims.json``; all else is read from the folder.
    """
    # Here, as the template engine and MathML are needed for nothing else.
    from refimpl.reproduce.report import pages
    from refimpl.reproduce.report.content import gather
    from refimpl.reproduce.results import write_text

    content = gather(out, claims)
    write_text(Path(out) / HTML_FILE, pages.html(content))
    write_text(Path(out) / MARKDOWN_FILE, pages.markdown(content))
