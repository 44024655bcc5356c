"""The report says all there is to say, loads nothing, and escapes all it is given."""

import hashlib
import json
import re
import shutil
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import small_experiments
from small_experiments import NAMES

from refimpl.experiments.common import style
from refimpl.experiments.common.context import Context
from refimpl.reproduce import describe, drawing, records, report
from refimpl.reproduce.environment import environment
from refimpl.reproduce.report import content, pages

HOSTILE = "\"'></title></style><script>alert(1)</script><img src=x onerror=alert(1)>"
EQUATIONS = {
    "equations": [
        {
            "name": "eq:r1",
            "title": "Expected dropout loss (paper, Lemma 1)",
            "derivation": "derivations/03-lemma-1.md",
            "passed": 12,
            "failed": 0,
            "status": "pass",
        }
    ],
    "python": "3.11",
    "time_s": 1.5,
}


def fill(out):
    """A results folder as two experiments leave it; returns the claims."""
    out.mkdir(exist_ok=True)
    claims = []
    for name in NAMES:
        module, folder = small_experiments.module(name), out / name
        folder.mkdir()
        with style.applied():
            files, panels = drawing.draw(module.plot({"level": [0, 1]}))
        for file, written in files.items():
            (folder / file).write_bytes(written)
        run = describe.run_record(module, "default", Context(name), "none", "key")
        shown = [
            records.FigureRecord(one, caption, panels[one])
            for one, caption in module.CAPTIONS.items()
        ]
        made = describe.computation(12.5, environment(jobs=2))
        records.save_run(folder, replace(run, computation=made, figures=shown))
        claims += small_experiments.records(name)
    claims[0] = replace(claims[0], measured=3e-15, interval=None)
    return claims


def test_without_claims_nothing_is_said_of_them(tmp_path):
    report.write(tmp_path, [])
    for file in ("report.html", "report.md"):
        text = (tmp_path / file).read_text()
        assert "0 experiments" not in text and "as documented" not in text
        assert "Presets" not in text


class Page(HTMLParser):
    """Elements and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def values(self, attribute):
        return [a[attribute] for _, a in self.elements if attribute in a]


def written(out, claims):
    """The page that is written for `claims`."""
    report.write(out, claims)
    return Page((out / report.HTML_FILE).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Folder and claims, made once."""
    out = tmp_path_factory.mktemp("filled") / "results"
    return out, fill(out)


@pytest.fixture
def out(filled, tmp_path):
    return shutil.copytree(filled[0], tmp_path / "results")


@pytest.fixture
def claims(filled):
    return list(filled[1])


def test_every_claim_is_there_with_all_that_is_known_of_it(out, claims):
    page = written(out, claims)
    for claim in claims:
        assert f"claim-{claim.id}" in page.values("id")
        assert claim.id in page.text and claim.source in page.text
    assert "3 × 10⁻¹⁵" in page.text and "1.01 ± 0.11" in page.text
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "8 claims: 2 supported, 2 refuted, 2 undecided, 2 not attempted" in text


def test_every_verdict_is_a_word_beside_its_mark_and_colour(out, claims):
    text = " ".join(written(out, claims).text.split())
    for words in ("✓ supported", "✗ refuted", "? undecided", "– not attempted"):
        assert f"{words} The fig98_levels are" in text
        assert re.search(rf"\b2 {re.escape(words)}", text)  # in the totals


def test_what_is_not_supported_says_why_and_where_there_is_more(out, claims):
    page, text = written(out, claims), (out / "report.md").read_text(encoding="utf-8")
    assert "They are drawn around one." in page.text
    assert "derivations/09-notes-on-the-paper.md#figure-8" in page.text
    assert "They are drawn around one." in text
    claims = [replace(one, verdict="supported") for one in claims]
    assert "They are drawn around one." not in written(out, claims).text


def test_it_says_of_every_rule_whether_it_was_fixed_before_measuring(out, claims):
    page, text = written(out, claims), (out / "report.md").read_text(encoding="utf-8")
    assert page.text.count("Fixed before anything was measured.") == 6
    explored = "Found while exploring: the lower end was 0 at first"
    assert page.text.count(explored) == 2 and text.count(explored) == 2
    for one in (page.text, text):
        assert "6 fixed before anything was measured, 2 found while exploring" in one
    assert "were fixed before the measurement" not in page.text


def test_it_says_how_a_claim_compares_with_the_committed_run(out, claims):
    claims[0] = replace(
        claims[0], comparison="decided differently", reference="refuted"
    )
    claims[1] = replace(claims[1], comparison="as documented", reference="refuted")
    text = " ".join(written(out, claims).text.split())
    assert "decided differently (refuted in the committed run)" in text
    assert f"{claims[1].id} · as documented" in text
    assert "1 as documented, 1 decided differently, 4 not comparable" in text
    markdown = (out / "report.md").read_text(encoding="utf-8")
    assert markdown.count("| decided differently |") == 1


def test_it_says_what_survives_holms_correction(out, claims):
    claims = [replace(one, p=0.04 if one.p else None) for one in claims]
    text = written(out, claims).text
    assert "6 claims, 2 of them supported, 0 after Holm’s correction" in text
    assert f"not {NAMES[0]}-up, {NAMES[1]}-up." in text


def test_an_experiment_shows_settings_time_versions_and_command(out, claims):
    page = written(out, claims)
    for words in ("Computed in 12 s of one core", "ours", "the same", "numpy", "jobs"):
        assert words in page.text
    assert f"python reproduce.py {NAMES[0]}" in page.text


def test_every_link_inside_the_page_has_its_target(out, claims):
    page = written(out, claims)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    inside = [link[1:] for link in page.values("href") if link.startswith("#")]
    assert inside and set(inside) <= set(ids)


def test_every_picture_says_what_it_shows(out, claims):
    page = written(out, claims)
    pictures = [a for tag, a in page.elements if tag == "img"]
    expected = [c for n in NAMES for c in small_experiments.module(n).CAPTIONS.values()]
    assert [a["alt"] for a in pictures] == [c.replace("`", "") for c in expected]


def test_the_page_loads_nothing_and_runs_its_own_script_only(out, claims):
    page = written(out, claims)
    assert all(address.startswith("data:") for address in page.values("src"))
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "form", "base")
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "link":
            assert attributes["href"].startswith("data:")
    assert not re.search(r"@import|url\(", page.text)
    text = (out / report.HTML_FILE).read_text(encoding="utf-8")
    [script] = re.findall(r"<script[^>]*>(.*?)</script>", text, re.S)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = [a["content"] for _, a in page.elements if "http-equiv" in a]
    assert policy[0].endswith(f"script-src 'sha256-{digest}'")


def test_filters_know_figures_without_their_panels_and_all_else(claims):
    one = replace(claims[0], source="Figure 12a (8% with, 9% without), Theorem 1")
    assert pages.sources(one) == ["Figure 12", "Theorem 1"]
    other = replace(one, source="Figures 1b and 12; the group's work, Eq. (6), remark")
    assert pages.sources(other) == ["Figure 1", "Figure 12", "Eq. (6)"]
    many = [one, replace(one, source="Figure 2"), replace(one, source="Lemma 1")]
    expected = [("source", ["Lemma 1", "Theorem 1"])]
    assert pages.choices(many) == [*expected, ("figure", ["Figure 2", "Figure 12"])]


def test_the_finding_leads_with_its_picture(out, claims, monkeypatch):
    assert "finding" not in written(out, claims).values("id")
    named = claims[0].id, f"{NAMES[0]}_drawn"
    monkeypatch.setattr(content, "FINDING", named)
    ids = written(out, claims).values("id")
    assert ids.index("finding") < ids.index("summary")
    assert f"finding-{named[1]}" in ids and len(ids) == len(set(ids))


def test_hostile_strings_do_not_become_markup(out, claims):
    (out / "verify.json").write_text(json.dumps(EQUATIONS))
    before = {(tag, *attributes) for tag, attributes in written(out, claims).elements}
    fields = ("id", "statement", "source", "criterion", "detail", "note", "anchor")
    fields += ("explored", "comparison", "reference")
    claims = [
        replace(one, **{name: HOSTILE + (getattr(one, name) or "") for name in fields})
        for one in claims
    ]
    for name in NAMES:
        path = out / name / records.RUN_FILE
        path.write_text(json.dumps(poisoned(json.loads(path.read_text()))))
    (out / "verify.json").write_text(json.dumps(poisoned(EQUATIONS)))
    page = written(out, claims)
    after = {(tag, *attributes) for tag, attributes in page.elements}
    # The pictures' names are hostile too, and so they are left out.
    assert after <= before and ("script",) not in after
    assert page.text.count("<script>alert(1)</script>") > 5 * len(claims)
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "alert" in text and not re.search(r"(?<!\\)<(?!a id=|/a>)", text)


def poisoned(value):
    """`value` with something hostile before every string in it."""
    if isinstance(value, dict):
        return {key: poisoned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    return HOSTILE + value if isinstance(value, str) else value


def test_markdown_rows_keep_their_columns(out, claims):
    odd = "a | b [c](d) `e` _f_ *g* ~h~ &lt; $x$"
    claims[0] = replace(claims[0], statement=odd)
    report.write(out, claims)
    text = (out / "report.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(("| ✓", "| ✗"))]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    assert r"a \| b [c\](d) `e` \_f\_ \*g\* \~h\~ \&lt; \$x\$" in text


def test_names_lead_nowhere_outside_the_folder(out, claims):
    outside = out.parent / "outside"
    outside.mkdir()
    record_file = out / NAMES[0] / records.RUN_FILE
    stolen = json.loads(record_file.read_text()) | {"title": "stolen"}
    (outside / records.RUN_FILE).write_text(json.dumps(stolen))
    (out.parent / "secret.png").write_bytes(b"secret")
    claims[0] = replace(claims[0], experiment="../outside")
    assert "stolen" not in written(out, claims).text
    stolen["figures"] = [{"name": "../../secret", "caption": "stolen"}]
    record_file.write_text(json.dumps(stolen))
    page = written(out, claims)
    assert len(page.values("src")) == 1  # of the other experiment


def test_markdown_figures_are_files_of_the_folder(out, claims):
    report.write(out, claims)
    text = (out / "report.md").read_text(encoding="utf-8")
    files = re.findall(r"^!\[.*\]\((.*)\)$", text, re.M)
    assert len(files) == len(NAMES)
    assert all((out / file).is_file() for file in files)


def test_a_figure_is_vector_until_it_is_too_large(out, claims, monkeypatch):
    kinds = [src.split(";")[0] for src in written(out, claims).values("src")]
    assert set(kinds) == {"data:image/svg+xml"}
    monkeypatch.setattr(content, "SVG_LIMIT", 100)
    kinds = [src.split(";")[0] for src in written(out, claims).values("src")]
    assert set(kinds) == {"data:image/png"}


def test_the_table_of_equations_is_there_once_they_are_verified(out, claims):
    assert "python reproduce.py --verify" in written(out, claims).text
    (out / "verify.json").write_text(json.dumps(EQUATIONS))
    page = written(out, claims)
    assert "eq:r1" in page.text and "03-lemma-1.md" in page.text
    assert "--verify" not in page.text


@pytest.mark.parametrize("file", ["verify.json", f"{NAMES[0]}/run.json"])
@pytest.mark.parametrize("damage", ['{"equations": [{"na', "[]", '"', '{"key": 1}'])
def test_a_damaged_file_is_named_and_left_out(out, claims, file, damage):
    (out / file).write_text(damage)
    page = written(out, claims)
    assert f"{out / file} is damaged" in page.text
    assert f"claim-{claims[0].id}" in page.values("id")


def test_claims_without_a_record_are_shown_alone(tmp_path, claims):
    one = replace(claims[0], id="a", experiment="unknown_experiment")
    page = written(tmp_path, [one])
    assert "claim-a" in page.values("id") and "unknown_experiment" in page.text
    assert written(tmp_path, []).values("id")


def test_experiments_of_different_environments_are_told_apart(out, claims):
    assert len(content.gather(out, claims).environments) == 1
    path = out / NAMES[0] / records.RUN_FILE
    other = json.loads(path.read_text())
    other["computation"]["environment"]["numpy"] = "1.0"
    path.write_text(json.dumps(other))
    found = content.gather(out, claims).environments
    assert [[e.name for e in experiments] for _, experiments in found] == [
        [name] for name in NAMES
    ]


def test_the_size_of_the_runs_is_told_at_the_head(out, claims):
    summary = " ".join(written(out, claims).text.split())
    assert "2 experiments, of the size default." in summary
    claims = [
        replace(one, preset="quick") if one.experiment == NAMES[1] else one
        for one in claims
    ]
    summary = " ".join(written(out, claims).text.split())
    assert "of the size default (1), quick (1)." in summary


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_page(scheme):
    """Contrast of at least 4.5, as WCAG 2 asks of text."""
    style = (Path(report.__file__).parent / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root {(.*?)}", style, re.S)
    colors = dict(re.findall(r"--(\w+): #(\w+)", blocks[scheme == "dark"]))
    page = luminance(colors["paper"])
    for name in ("ink", "quiet", "link", "pass", "fail", "undecided", "open"):
        low, high = sorted([page, luminance(colors[name])])
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def luminance(color):
    """Relative luminance of an sRGB colour in hexadecimal."""
    color = color if len(color) == 6 else "".join(2 * digit for digit in color)
    parts = [int(color[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


SYMBOLS = {
    "R_S^drop.": ("msubsup", "R", "S", "drop"),
    "N(0, m^−0.2)": ("msup", "m", "−", "0.2"),
    "R\u0303_2": ("msub", "R", "~", "2"),
    "2^16": ("msup", "2", "16"),
}


@pytest.mark.parametrize("text", SYMBOLS)
def test_symbols_with_an_index_are_mathml(text):
    tag, *parts = SYMBOLS[text]
    page = Page(pages.words(text))
    assert tag in [one for one, _ in page.elements]
    assert "".join(parts) in page.text.replace("\u2212", "−")


@pytest.mark.parametrize("text", ["some_name", "masks^steps", "R_", "x^", "1e-5", "L1"])
def test_other_words_stay_as_they_are(text):
    assert pages.words(text) == text
