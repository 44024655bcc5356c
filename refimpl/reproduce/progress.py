"""What whoever waits is shown: bars on a terminal, now and then a line elsewhere."""

import sys
import threading
import time
from contextlib import contextmanager

from refimpl.reproduce.formats import duration
from refimpl.reproduce.terminal import is_fancy

LINE_EVERY = 30  # seconds between two lines where there is no terminal
RUNS = 0.9  # of the time of an experiment; the rest is for its figures


class Progress:
    """How far all experiments are, one of them, and the run in progress.

    Experiments may call it from threads of their own.

    Parameters
    ----------
    expected : dict
        Experiment to the seconds it should take: how much of the whole it is.
    quiet : bool
        Nothing but warnings.
    stream : file, optional
        Of all that is shown; standard error, as results go to standard output.
    clock : callable
    """

    def __init__(self, expected, quiet=False, stream=None, clock=time.monotonic):
        self.expected, self.quiet, self.clock = expected, quiet, clock
        self.stream = stream or sys.stderr
        self.finished = []  # experiments
        self._open = {}  # experiment to what is known of it
        self._found = 0.0  # share of the whole that was there already
        self._start = self._told = self._shown = clock()
        self._lock = threading.RLock()
        self._bars = None
        if not quiet and is_fancy(self.stream):
            self._bars = _Bars(self.stream, len(expected))

    def runs(self, experiment, label, found, total):
        """`experiment` has so many more runs, of which some were there already."""
        with self._lock:
            share = self._share()
            known = self._open.setdefault(
                experiment, {"label": label, "done": 0, "total": 0, "share": 0.0}
            )
            known["label"] = label
            known["done"] += found
            known["total"] += total
            self._found += self._share() - share
            self._show()

    def run_done(self, experiment):
        """One run of `experiment` is computed."""
        with self._lock:
            self._open[experiment]["done"] += 1
            self._show()

    def done(self, experiment):
        """`experiment` is finished."""
        with self._lock:
            share = self._share()
            computed = self._open.pop(experiment, None)
            self.finished.append(experiment)
            if computed is None:  # its result was there
                self._found += self._share() - share
            self._show()

    @contextmanager
    def steps(self, total):
        """Shows the steps of a run in this process: ``told(done, loss)``."""
        if self._bars is None:
            yield lambda done, loss: self._line_now_and_then()
            return
        with self._bars.of_steps(total) as bar:

            def told(done, loss):
                bar.update(done - bar.n)
                self.tick()

            yield told

    def say(self, text):
        """A line for whoever wants to know."""
        if not self.quiet:
            self.warn(text)

    def warn(self, text):
        """A line for everyone."""
        with self._lock:
            if self._bars is None:
                print(text, file=self.stream, flush=True)
            else:
                self._bars.write(text)

    def left(self):
        """Seconds left at the pace so far, or ``None`` before there is one."""
        with self._lock:
            share = self._share()
            pace = (share - self._found) / max(self.clock() - self._start, 1e-9)
            return (1 - share) / pace if pace > 0 else None

    def tick(self):
        """To be called while waiting: the clocks on the bars go on."""
        with self._lock:
            if self.clock() - self._shown > 0.5:
                self._show()

    def close(self):
        """Remove the bars."""
        if self._bars is not None:
            self._bars.close()

    def _share(self):
        """Share of the whole that is done. It never falls: an experiment may find out
        later that it has more runs."""
        done = sum(self.expected[name] for name in self.finished)
        for name, known in self._open.items():
            part = RUNS * known["done"] / known["total"] if known["total"] else 0.0
            known["share"] = max(known["share"], part)
            done += self.expected[name] * known["share"]
        return done / (sum(self.expected.values()) or 1)

    def _show(self):
        self._shown = self.clock()
        if self._bars is None:
            self._line_now_and_then()
            return
        at_work = (one for one in self._open.values() if one["done"] < one["total"])
        first = next(at_work, None)
        self._bars.show(self._share(), self.left(), first)

    def _line_now_and_then(self):
        if self.quiet or self.clock() - self._told < LINE_EVERY:
            return
        self._told = self.clock()
        parts = [
            f"{name} {known['done']} of {known['total']} runs"
            for name, known in self._open.items()
        ]
        left = self.left()
        more = f", {duration(left)} left" if left else ""
        parts.append(f"all: {self._share():.0%}{more}")
        self.say("      " + "; ".join(parts))


class _Bars:
    """The bars on a terminal, by tqdm."""

    def __init__(self, stream, experiments):
        from tqdm import tqdm

        tqdm.set_lock(threading.RLock())  # its own holds a lock for processes too
        self.tqdm, self.stream = tqdm, stream
        # Not how many have ended: they run abreast, and most end near the end.
        self.all = self._bar(
            100,
            0,
            "{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
            f"{experiments} experiment{'s'[: experiments != 1]}",
        )
        self.one = None

    def _bar(self, total, position, bar_format=None, label=None):
        return self.tqdm(
            total=total,
            desc=label,
            position=position,
            bar_format=bar_format,
            file=self.stream,
            leave=False,
            dynamic_ncols=True,
        )

    def show(self, share, left, first):
        """Bring both bars up to date; `first` is the experiment to show."""
        self.all.n = 100 * share
        if left is not None:
            self.all.set_postfix_str(f"{duration(left)} left", False)
        self.all.refresh()
        if first is None:
            return
        if self.one is None:
            self.one = self._bar(first["total"], 1)
        if self.one.desc != first["label"] + ": ":
            self.one.reset(first["total"])
            self.one.initial = first["done"]
            self.one.set_description(first["label"], False)
        self.one.total, self.one.n = first["total"], first["done"]
        self.one.refresh()

    def of_steps(self, total):
        """Bar of the run in progress."""
        return self._bar(total, 2, label="steps")

    def write(self, text):
        self.tqdm.write(text, file=self.stream)

    def close(self):
        for bar in (self.one, self.all):
            if bar is not None:
                bar.close()
