"""Time and memory by number of neurons and samples: what fits a machine, to plan with.

Every cell of a table, a piece of work of a network 1-m-1 on n samples in float32, runs
in a process of its own, which may have what memory is free. Its time is that of one
repetition after a first one, and its memory what the process holds at most beside what
it held before. The same work in PyTorch is measured where there is PyTorch.

    python -m benchmarks.scale --json FILE --table FILE
"""

import argparse
import json
import resource
import subprocess
import sys
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

import refimpl
from benchmarks.machine import machine
from benchmarks.networks import KEEP, problem
from benchmarks.rows import Side, duration
from refimpl.arrays.limits import free_bytes

NEURONS = tuple(10**k for k in range(2, 7))
SAMPLES = tuple(10**k for k in range(1, 6))
LONGEST = 5.0  # seconds: of what takes longer at a smaller size a larger is not begun
LIMIT = 120.0  # and after which a cell is given up
EPSILON, TOLERANCE = 0.1, 0.01
WORK = {
    "step": "a step of dropout, a mask per sample, Adam",
    "r1": "gradient of R_1",
    "r2-each": "R_2 and its gradient, a mask per sample (PyTorch: of one mask)",
    "r2-shared": "R_2 and its gradient, one mask for all (PyTorch: of one mask)",
    "trace": "trace of the Hessian, exact (PyTorch: one Hutchinson probe)",
    "top": "largest eigenvalue of the Hessian to 1%",
}
SIDES = ("ours", "PyTorch")


def ours(work, risk, theta):
    """Function that does the work once; of steps two."""
    dropout = [refimpl.Dropout(KEEP, per_sample=one) for one in (False, True)]
    if work == "step":
        rule, steps = refimpl.Adam(1e-3), 2
        return partial(refimpl.train, risk, theta, rule, steps, dropout[1], rng=0)
    if work == "r1":
        return partial(refimpl.R1_gradient, risk, theta, KEEP)
    if work.startswith("r2"):
        known = risk, theta, dropout[work == "r2-each"], EPSILON
        return lambda: (refimpl.R2(*known), refimpl.R2_gradient(*known))
    if work == "trace":
        return partial(refimpl.hessian_trace, risk, theta)
    return partial(refimpl.top_eigenvalues, risk, theta, 1, TOLERANCE)


def pytorch(work, risk, theta):
    """The same by automatic differentiation."""
    import torch
    from scipy.sparse.linalg import LinearOperator, eigsh

    from benchmarks.pytorch import half_mse, in_pytorch, tensor

    torch.set_num_threads(1)
    model, X, Y = in_pytorch(risk, theta)
    parameters = list(model.parameters())
    n, size = len(X) if work in ("step", "r2-each") else 1, risk.net.size

    def dropped():
        return torch.bernoulli(torch.full((n, risk.net.width), KEEP)) / KEEP

    if work == "step":
        rule = torch.optim.Adam(parameters, 1e-3)

        def step():
            rule.zero_grad()
            half_mse(model(X, dropped()), Y).backward()
            rule.step()

        return lambda: (step(), step())
    if work == "r1":

        def r1():
            h, A = torch.tanh(model.hidden(X)), model.output.weight
            value = (h**2).mean(0) @ (A**2).sum(0) * (1 - KEEP) / (2 * KEEP)
            return torch.autograd.grad(value, parameters)

        return r1
    if work.startswith("r2"):

        def r2():
            loss = half_mse(model(X, dropped()), Y)
            gradient = torch.autograd.grad(loss, parameters, create_graph=True)
            value = EPSILON / 4 * sum((g**2).sum() for g in gradient)
            return torch.autograd.grad(value, parameters)

        return r2

    def products():
        """Function v ↦ H v at one θ."""
        loss = half_mse(model(X), Y)
        gradient = torch.autograd.grad(loss, parameters, create_graph=True)
        flat = torch.cat([g.reshape(-1) for g in gradient])

        def along(v):
            found = torch.autograd.grad(
                flat, parameters, tensor(v), retain_graph=True
            )
            return torch.cat([g.reshape(-1) for g in found]).numpy()

        return along

    rng = np.random.default_rng(0)
    if work == "trace":
        return lambda: products()(rng.choice([-1.0, 1.0], size))
    start = rng.standard_normal(size, dtype=np.float32)

    def top():
        matrix = LinearOperator((size, size), matvec=products(), dtype=np.float32)
        return eigsh(matrix, 1, which="LA", tol=TOLERANCE, v0=start)[0]

    return top


def cell(side, work, neurons, samples):
    """Seconds and bytes of one piece of work, in this process."""
    risk, (theta,) = problem((1, neurons, 1), samples)
    do = (ours if side == "ours" else pytorch)(work, risk.like(theta), theta)
    side = Side(do, scale=0.5 if work == "step" else 1.0, shortest=0.2)
    before = peak()
    taken, _ = side.turn()
    if taken < LONGEST:  # a first time loads, and asks for memory
        taken, _ = side.turn()
    return {"seconds": taken, "bytes": peak() - before}


def peak():
    """Bytes that this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measured(side, work, neurons, samples):
    """What `cell` finds in a process of its own, or in words why it finds nothing."""
    command = [sys.executable, "-m", "benchmarks.scale", "--cell", side, work]
    try:
        done = subprocess.run(
            [*command, str(neurons), str(samples)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return f"over {LIMIT:g} s"
    if done.returncode == 0:
        return json.loads(done.stdout)
    if "memory" in done.stderr.lower() or done.returncode < 0:
        return "memory"
    raise RuntimeError(done.stderr)


def limited_memory():
    """Let this process have what is free and no more, that no other is ended for it."""
    free = free_bytes(np.zeros(1))
    resource.setrlimit(resource.RLIMIT_AS, (free, free))


def tables(works, neurons=NEURONS, samples=SAMPLES):
    """All cells: a dict by work, side, m and n. Nothing is begun that is larger, in m
    or n, than what was too large or took too long."""
    found = {}
    for key in product(works, SIDES, neurons, samples):
        work, side, m, n = key
        smaller = (work, side, m // 10, n), (work, side, m, n // 10)
        found[key] = next(filter(None, map(beyond, map(found.get, smaller))), None)
        if found[key] is None:
            found[key] = measured(side, work, m, n)
            print(*key, found[key], flush=True)
    return found


def beyond(smaller):
    """Why nothing larger than a cell is begun, if so."""
    if isinstance(smaller, dict):
        return "too long" if smaller["seconds"] > LONGEST else None
    return smaller


def markdown(found):
    """The tables as text: a row for each m, a column for each n, ours above theirs."""
    lines = []
    neurons, samples = (sorted({key[k] for key in found}) for k in (2, 3))
    for work in dict.fromkeys(key[0] for key in found):
        lines += ["", f"### {WORK[work][0].upper()}{WORK[work][1:]}", ""]
        heads = [f"n = {n:,}" for n in samples]
        lines.append("| m | | " + " | ".join(heads) + " |")
        lines.append("| --- " * (len(heads) + 2) + "|")
        for m, side in product(neurons, SIDES):
            shown = [_shown(found[work, side, m, n]) for n in samples]
            head = f"{m:,}" if side == SIDES[0] else ""
            lines.append(f"| {head} | {side} | " + " | ".join(shown) + " |")
    return "\n".join(lines[1:]) + "\n"


def _shown(one):
    """Time and memory of a cell in a table."""
    if isinstance(one, str):
        return "—" if one == "memory" else one
    size = one["bytes"] / 2**20
    held = f"{size / 1024:.2g} GiB" if size >= 1000 else f"{size:.0f} MiB"
    return f"{duration(one['seconds'])}, {held if size >= 1 else 'under 1 MiB'}"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="benchmarks.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("work", nargs="*", help=f"of {', '.join(WORK)}; all without")
    parser.add_argument("--cell", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--table", metavar="FILE")
    args = parser.parse_args(arguments)
    if args.cell:
        side, work, neurons, samples = args.cell
        limited_memory()
        print(json.dumps(cell(side, work, int(neurons), int(samples))))
        return 0
    for work in args.work:
        if work not in WORK:
            parser.error(f"work must be of {', '.join(WORK)}, got {work}")
    found = tables(args.work or list(WORK))
    if args.json:
        rows = [[*key, value] for key, value in found.items()]
        text = json.dumps({"machine": machine(1), "cells": rows}, indent=1)
        Path(args.json).write_text(text, encoding="utf-8")
    if args.table:
        Path(args.table).write_text(markdown(found), encoding="utf-8")
    print(markdown(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
