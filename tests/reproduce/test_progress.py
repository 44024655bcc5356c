"""What is shown while experiments run: on a terminal, elsewhere, and when quiet."""

import io

import pytest

from refimpl.reproduce.progress import LINE_EVERY, Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_time_left_follows_the_pace_so_far(clock):
    progress = Progress({"a": 10.0, "b": 30.0}, stream=io.StringIO(), clock=clock)
    assert progress.left() is None
    progress.runs("a", "a", 0, 2)
    clock.now = 4.0
    progress.run_done("a")  # half the runs: 4.5 of 40 in 4 s
    assert progress.left() == pytest.approx(4.0 * 35.5 / 4.5)
    progress.done("a")
    assert progress.left() == pytest.approx(12.0)


def test_what_was_there_already_is_no_pace(clock):
    progress = Progress({"a": 10.0, "b": 30.0}, stream=io.StringIO(), clock=clock)
    progress.done("a")
    assert progress.left() is None
    progress.runs("b", "b", 1, 3)
    clock.now = 5.0
    assert progress.left() is None
    progress.run_done("b")  # 9 more of 40, of which 12 are left
    assert progress.left() == pytest.approx(5.0 * 12 / 9)


def test_runs_that_come_to_light_later_do_not_turn_it_back(clock):
    progress = Progress({"a": 10.0}, stream=io.StringIO(), clock=clock)
    progress.runs("a", "a", 0, 2)
    clock.now = 1.0
    progress.run_done("a")
    before = progress.left()
    progress.runs("a", "a again", 0, 2)
    assert progress.left() == before


def test_elsewhere_than_on_a_terminal_there_are_plain_lines(clock):
    stream = io.StringIO()
    progress = Progress({"a": 10.0}, stream=stream, clock=clock)
    progress.runs("a", "a", 0, 4)
    progress.run_done("a")
    assert stream.getvalue() == ""
    clock.now = LINE_EVERY
    progress.run_done("a")
    progress.run_done("a")
    assert stream.getvalue() == "      a 2 of 4 runs; all: 45%, 37 s left\n"


def test_a_dumb_terminal_has_plain_lines_too(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    progress = Progress({"a": 10.0}, stream=stream, clock=clock)
    progress.runs("a", "a", 0, 4)
    progress.say("a line")
    progress.close()
    assert stream.getvalue() == "a line\n"


def test_a_terminal_shows_all_one_experiment_and_the_run(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    progress = Progress({"a": 10.0, "b": 10.0}, stream=stream, clock=clock)
    clock.now = 2.0
    progress.runs("a", "Figure A", 0, 2)
    progress.run_done("a")
    with progress.steps(100) as told:
        told(50, None)
    shown = stream.getvalue()
    for words in ("2 experiments", " 22%", "6.9 s left", "Figure A:", "1/2", "steps:"):
        assert words in shown, words
    progress.close()


def test_quiet_shows_warnings_only(clock):
    stream = Terminal()
    progress = Progress({"a": 10.0}, quiet=True, stream=stream, clock=clock)
    progress.runs("a", "a", 0, 2)
    clock.now = 2 * LINE_EVERY
    progress.run_done("a")
    progress.say("a line")
    progress.warn("damaged")
    progress.close()
    assert stream.getvalue() == "damaged\n"
