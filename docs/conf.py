"""The site: ``sphinx-build -W -c docs . site``, without network (extra ``docs``).

Pages are the Markdown files as they stand; formulas become MathML, which browsers draw
without a script. With ``-W`` a link that leads nowhere or a formula that cannot be
rendered ends the build.
"""

import re
import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from refimpl import __version__ as release  # noqa: E402, F401

project = "Implicit regularization of dropout, as executable code"
author = "The refimpl authors"
copyright = "the refimpl authors, MIT license"
html_title = "refimpl"
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/results/README.md",
    "docs/results/report.md",
    "docs/results/scale.md",
    "docs/results/paper/*.md",
    "docs/results/mnist-quick/report.md",
    "derivations/*.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# Headings of equations, `eq:r1`, are their anchors on code hosts too.
suppress_warnings = ["myst.header"]
autodoc_typehints = "none"
numpydoc_show_class_members = False
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
templates_path = []


# The converter does not size these, a browser does.
SIZED = re.compile(r"\\[bB]igg?[lr]\s*(?=\\[lr](Vert|vert|angle))")


def mathml(tex, display):
    """A formula as MathML; ValueError if a command is left."""
    tex = SIZED.sub("", tex.strip("`"))
    rendered = convert(tex, display="block" if display else "inline")
    if "\\" in rendered:
        raise ValueError(f"a formula is not rendered: {tex}")
    return rendered


def inline(writer, node):
    writer.body.append(mathml(node.astext(), False))
    raise nodes.SkipNode


def display(writer, node):
    writer.body.append(f'<div class="math">{mathml(node.astext(), True)}</div>')
    raise nodes.SkipNode


def anchors(app, name, source):
    """A report's anchors, which a code host takes as HTML, as MyST's own."""
    if '<a id="' in source[0]:
        page = name.replace("/", "-")
        text = re.sub(r'<a id="(.*)"></a>', rf"({page}-\1)=", source[0])
        source[0] = re.sub(r"\]\(#(\w+)\)", rf"](#{page}-\1)", text)


def setup(app):
    app.connect("source-read", anchors)
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
