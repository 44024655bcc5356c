"""Results for readers: an HTML page and a Markdown page of a results folder."""

from pathlib import Path

from refimpl.data.files import write_text

HTML_FILE, MARKDOWN_FILE = "report.html", "report.md"


def write(out, claims):
    """Write ``report.html`` and ``report.md`` of the results folder `out`, atomically.

    Parameters
    ----------
    out : path
    claims : list of ClaimRecord
        All else is read from the folder.
    """
    # Here, as the template engine and MathML are needed for nothing else.
    from refimpl.reproduce.report import pages
    from refimpl.reproduce.report.content import gather

    content = gather(out, claims)
    write_text(Path(out) / HTML_FILE, pages.html(content))
    write_text(Path(out) / MARKDOWN_FILE, pages.markdown(content))
