"""The report in headless Chromium: it opens, is seen, and does what is asked of it."""

import json

import browser
import numpy as np
import pytest
from small_experiments import NAMES
from test_report import fill

from refimpl.experiments.common import film
from refimpl.reproduce import report
from refimpl.reproduce.report import content

pytestmark = pytest.mark.skipif(
    browser.find() is None, reason=f"needs a browser: {', '.join(browser.NAMES)}"
)


FILM = {
    "steps": np.array([0, 1000]),
    "count": np.array([[7, 6], [7, 5], [7, 4], [7, 3], [7, 2]]),  # keep × step
    "angle": np.linspace(-3, 3, 30).reshape(5, 2, 3),
    "size": np.ones((5, 2, 3)),
    "output": np.zeros((5, 2, len(film.GRID))),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    claims = fill(out)
    snapshots = film.snapshots(FILM, np.array([[0.0, 0.0]]))
    (out / NAMES[0] / film.SNAPSHOTS).write_text(json.dumps(snapshots))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "FINDING", (claims[0].id, f"{NAMES[0]}_drawn"))
        report.write(out, claims)
    return out / report.HTML_FILE


def test_it_opens_from_disk_without_a_word_in_the_console(path, tmp_path):
    document, messages = browser.open_page(path, tmp_path / "profile")
    assert "</html>" in document and messages == []


def test_the_console_is_listened_to(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<script>console.error("heard")</script>')
    _, messages = browser.open_page(page, tmp_path / "profile")
    assert "heard" in messages[0]


@pytest.mark.parametrize("width", [1200, 360])
def test_everything_is_seen_and_the_page_does_not_scroll_sideways(
    path, width, tmp_path
):
    seen = browser.measure(path.read_text(encoding="utf-8"), width, tmp_path)
    assert seen["scroll"] <= seen["width"] <= width
    assert seen["broken"] == []
    assert len(seen["pictures"]) == 3 and len(seen["formulas"]) > 20
    assert all(min(sizes) > 50 for _, *sizes in seen["pictures"])
    assert min(seen["formulas"]) > 3


def test_what_is_too_wide_or_broken_is_noticed(tmp_path):
    page = '<p style="width:900px">x</p><img src="data:,"><a href="#gone">y</a>'
    seen = browser.measure(page, 360, tmp_path)
    assert seen["scroll"] > seen["width"] and seen["broken"] == ["gone"]
    assert seen["pictures"][0][1] == 0


def test_filters_and_search_show_what_is_asked_for(path, tmp_path):
    script = """
    const [verdict, , , words] = all("#filters select, #filters input");
    const shown = () => [page.getElementById("shown").textContent,
      ...[".claims > li", ".experiment"].map((what) =>
        all(what).filter((one) => one.checkVisibility()).length)];
    const put = (field, value) => {
      field.value = value;
      field.dispatchEvent(new Event("input"));
      return shown();
    };
    const said = [put(verdict, "refuted"), put(words, "NAME"), put(words, "no such")];
    for (const again of [1, 2]) {  // what a link leads to is seen, the second time too
      all("nav a[href='#NAME']")[0].click();
      said.push(shown());
      put(words, "no such");
    }
    return said;""".replace("NAME", NAMES[1])
    one, none, every = (f"{count} of 8 claims" for count in (1, 0, 8))
    said = browser.ask(path.read_text(encoding="utf-8"), script, 1200, tmp_path)
    assert said == [
        ["2 of 8 claims", 2, 2],
        [one, 1, 1],
        [none, 0, 0],
        [every, 8, 2],
        [every, 8, 2],
    ]


def test_sliders_draw_the_step_and_keep_probability_that_they_name(path, tmp_path):
    script = """
    const [step, keep] = all(".sliders input"), said = [];
    const canvas = page.getElementById("film-canvas");
    for (const [t, k] of [[0, 0], [1, 0], [1, 4]]) {
      [step.value, keep.value] = [t, k];
      keep.dispatchEvent(new Event("input"));
      const told = page.getElementById("film-told").textContent;
      said.push([told, canvas.getAttribute("aria-label"), canvas.toDataURL()]);
    }
    return said;"""
    said = browser.ask(path.read_text(encoding="utf-8"), script, 1200, tmp_path)
    words = "orientations carry 90% of the amplitude"
    assert [told for told, *_ in said] == [
        f"step 0, p = 0.7: 7 {words}",
        f"step 1,000, p = 0.7: 2 {words}",
        f"step 1,000, p = 1: 6 {words}",
    ]
    assert all(told == read for told, read, _ in said)
    assert len({drawn for *_, drawn in said}) == 3


def test_a_figure_is_enlarged_and_closed_again(path, tmp_path):
    script = """
    const dialog = page.getElementById("enlarged"), said = [dialog.open];
    all(".zoom")[0].click();
    said.push(dialog.open, dialog.querySelector("img").src === page.images[0].src);
    dialog.querySelector("button").click();
    return [...said, dialog.open];"""
    said = browser.ask(path.read_text(encoding="utf-8"), script, 1200, tmp_path)
    assert said == [False, True, True, False]


@pytest.mark.parametrize("width, stacked", [(360, True), (1200, False)])
def test_panels_stand_one_above_the_other_on_a_phone(path, width, stacked, tmp_path):
    script = """
    const seen = all(".panels span").filter((one) => one.checkVisibility());
    return seen.map((one) => [one.clientWidth, one.firstChild.clientWidth]);"""
    said = browser.ask(path.read_text(encoding="utf-8"), script, width, tmp_path)
    assert len(said) == 3 * stacked  # one panel in each of three figures
    assert all(300 < panel <= view < 400 for panel, view in said)
