"""The tour as a notebook: ``python docs/notebook.py`` writes ``tour.ipynb`` anew."""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PROGRAM = re.compile(r"```python\n(.*?)```", re.DOTALL)


def notebook(page):
    """Markdown with blocks of Python as a notebook, in the format's version 4.5."""
    cells = []
    for k, part in enumerate(PROGRAM.split(page)):
        if not part.strip():
            continue
        cell = {"id": f"cell-{k}", "metadata": {}, "source": lines(part)}
        if k % 2:
            cell |= {"cell_type": "code", "execution_count": None, "outputs": []}
        else:
            cell |= {"cell_type": "markdown"}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": language},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def lines(text):
    """The source of a cell: its lines, each but the last with its end."""
    return text.strip().splitlines(keepends=True)


def main():
    page = (FOLDER / "tour.md").read_text(encoding="utf-8")
    text = json.dumps(notebook(page), indent=1, ensure_ascii=False) + "\n"
    (FOLDER / "tour.ipynb").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
