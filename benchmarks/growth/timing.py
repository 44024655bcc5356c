"""Times of a kernel at growing sizes."""

import time

import numpy as np

SHORTEST = 5e-3  # seconds that one time is taken over, by repetition


def times(kernel, axis, turns):
    """Seconds (turns, sizes) of one run of the kernel.

    The sizes are taken in turns, so that a machine that slows down for a while does so
    for all of them, and as often as a time of 5 ms wants, after one run to warm up.
    """
    runs = [kernel.at(**axis.others, **{axis.name: size}) for size in axis.sizes]
    counts = [_count(run) for run in runs]
    found = np.empty((turns, len(runs)))
    for turn in range(turns):
        for k, (run, count) in enumerate(zip(runs, counts)):
            found[turn, k] = _seconds(run, count)
    return found


def _seconds(run, count):
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count


def _count(run):
    run()
    return max(1, round(SHORTEST / _seconds(run, 1)))
