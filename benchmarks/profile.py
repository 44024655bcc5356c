"""Where a training step spends its time: operation by operation, against the machine.

The step of the two-layer tanh network on MSE with Adam, with dropout or on R_S + R_1,
is taken apart into its array operations, on the arrays and in the order of the package,
and each is timed where it stands. Beside it is what the same operation takes alone on
arrays that lie in the cache: what it would take at the machine's own rate. The rest of
a step is Python's.
"""

import time
from statistics import median
from typing import NamedTuple

import numpy as np

import refimpl
from refimpl.arrays import memory
from refimpl.core.network import contiguous_views
from refimpl.data.datasets import tanh_pair
from refimpl.fast.masks import stream

KEEP = 0.9


class Operation(NamedTuple):
    """A part of a step."""

    name: str
    bytes: int  # read and written
    flops: int
    run: object  # function without arguments


class Step:
    """The operations of a dropout step, on arrays that they share."""

    name = "dropout"

    def __init__(self, samples, width):
        n, m = samples, width
        net = refimpl.TwoLayer(1, m)
        X, Y = (np.asarray(a, np.float32) for a in tanh_pair(n))
        self.X, self.Y = net.prepare(X), Y
        theta = net.init(np.random.default_rng(0), std=m**-0.5).astype(np.float32)
        self.weights, self.A = contiguous_views(theta, net._blocks)
        self.gradient = memory.empty(theta.shape, theta.dtype)
        self.dweights, self.dA = contiguous_views(self.gradient, net._blocks)
        self.masks = stream(np.random.default_rng(0), KEEP, (n, m), np.float32)
        self.h, self.s = (memory.empty((n, m), np.dtype(np.float32)) for _ in "hs")
        self.update = refimpl.Adam(1e-3).start(theta)
        self.operations = self.listed(4 * n * m, n * m, 4 * net.size)

    def listed(self, size, nm, P):
        """The operations; `size` in bytes of an array of `nm` entries, `P` of θ."""
        return (
            Operation("mask q", 3 * size + nm // 4, 0, self.draw),
            Operation("z = X Wᵀ", size, 4 * nm, self.preactivation),
            Operation("h = tanh z", 2 * size, 0, self.activation),
            Operation("s = q h", 3 * size, 0, self.noise),
            Operation("F = s Aᵀ", size, 2 * nm, self.output),
            Operation("loss, δF", 0, 0, self.loss),
            Operation("δA = δFᵀ s", size, 2 * nm, self.output_gradient),
            Operation("h s", 3 * size, 0, self.product),
            Operation("q − h s", 3 * size, 0, self.slope),
            Operation("δW = (δF X)ᵀ (q − h s) a", size, 4 * nm, self.input_gradient),
            Operation("Adam", 12 * P, 0, self.descend),
        )

    def draw(self):
        self.q = None
        self.q = next(self.masks)

    def preactivation(self):
        np.matmul(self.X, self.weights, out=self.h)

    def activation(self):
        np.tanh(self.h, out=self.h)

    def noise(self):
        np.multiply(self.q, self.h, out=self.s)

    def output(self):
        self.F = self.s @ self.A.T

    def loss(self):
        D = self.F - self.Y
        self.value, self.dF = 0.5 * (D * D).sum() / len(D), D / len(D)
        self.dF_X = self.dF * self.X

    def output_gradient(self):
        np.matmul(self.dF.T, self.s, out=self.dA)

    def product(self):
        np.multiply(self.h, self.s, out=self.s)

    def slope(self):
        np.subtract(self.q, self.s, out=self.s)

    def input_gradient(self):
        np.matmul(self.dF_X.T, self.s, out=self.dweights)
        np.multiply(self.dweights, self.A, out=self.dweights)

    def descend(self):
        self.update(self.gradient)


class PenaltyStep(Step):
    """The operations of a step on R_S + R_1, where s is h."""

    name = "R_S + R_1"

    def listed(self, size, nm, P):
        self.s, self.slopes = self.h, memory.empty(self.h.shape, self.h.dtype)
        return (
            Operation("z = X Wᵀ", size, 4 * nm, self.preactivation),
            Operation("h = tanh z", 2 * size, 0, self.activation),
            Operation("F = h Aᵀ", size, 2 * nm, self.output),
            Operation("loss, δF", 0, 0, self.loss),
            Operation("h²", 2 * size, 0, self.squares),
            Operation("Σ_i h²", size, 0, self.energies),
            Operation("R_1 and δE, over neurons", 0, 0, self.penalty),
            Operation("δA = δFᵀ h", size, 2 * nm, self.output_gradient),
            Operation("h²", 2 * size, 0, self.squares),
            Operation("1 − h²", 2 * size, 0, self.complement),
            Operation("δW = (δF X)ᵀ (1 − h²) a", size, 4 * nm, self.input_gradient),
            Operation("(1 − h²) h", 3 * size, 0, self.cubes),
            Operation("δW += δE Xᵀ (1 − h²) h", size, 4 * nm, self.energy_gradient),
            Operation("Adam", 12 * P, 0, self.descend),
        )

    def squares(self):
        np.multiply(self.h, self.h, out=self.slopes)

    def energies(self):
        self.energy = self.slopes.sum(axis=0, keepdims=True)

    def penalty(self):
        c = (1 - KEEP) / KEEP / len(self.X)
        self.more = self.A * (c * self.energy)
        self.value = 0.5 * (self.A * self.more).sum()
        self.scale = c * (self.A * self.A).sum(axis=0, keepdims=True)

    def complement(self):
        np.subtract(1, self.slopes, out=self.slopes)

    def input_gradient(self):
        np.matmul(self.dF_X.T, self.slopes, out=self.dweights)
        np.multiply(self.dweights, self.A, out=self.dweights)

    def cubes(self):
        np.multiply(self.slopes, self.h, out=self.slopes)

    def energy_gradient(self):
        self.dweights += self.scale * (self.X.T @ self.slopes)
        self.dA += self.more


def in_place(step, steps):
    """Seconds of every operation within a step: a mean, as masks are drawn ahead."""
    seconds = np.zeros((steps, len(step.operations)))
    for row in seconds:
        for k, operation in enumerate(step.operations):
            start = time.perf_counter()
            operation.run()
            row[k] = time.perf_counter() - start
    low, high = np.quantile(seconds, [0.05, 0.95], axis=0)
    means = np.clip(seconds, low, high).mean(axis=0)
    if step.name == "dropout":
        means[0] = seconds[:, 0].mean()
    return means


def alone(step, operation, turns):
    """Seconds of an operation, three calls one after the other; many more would
    multiply some arrays down to denormal numbers, which are slow."""
    seconds = []
    for _ in range(turns):
        for other in step.operations:
            other.run()
        start = time.perf_counter()
        for _ in range(3):
            operation.run()
        seconds.append((time.perf_counter() - start) / 3)
    return median(seconds)


def whole(name, samples, width, steps):
    """Seconds of a step of `refimpl.train`."""
    net = refimpl.TwoLayer(1, width)
    risk = refimpl.Risk(net, *tanh_pair(samples))
    theta = net.init(np.random.default_rng(0), std=width**-0.5).astype(np.float32)
    drop, seconds = refimpl.Dropout(KEEP, per_sample=True), []
    if name != "dropout":
        risk, drop = refimpl.L1(risk, KEEP), None
    for _ in range(7):
        rng, start = np.random.default_rng(0), time.perf_counter()
        refimpl.train(risk, theta, refimpl.Adam(1e-3), steps, drop, rng=rng)
        seconds.append((time.perf_counter() - start) / steps)
    return median(seconds)


def profile(kind, samples, width=1000, steps=2000):
    """The table of one kind of step at one size, as a dict."""
    memory.keep_freed_memory()
    step, rows = kind(samples, width), []
    for operation, seconds in zip(step.operations, in_place(step, steps)):
        rows.append(
            {
                "operation": operation.name,
                "seconds": float(seconds),
                "alone": alone(step, operation, steps // 20),
                "bytes": operation.bytes,
                "flops": operation.flops,
            }
        )
    return {
        "name": step.name,
        "samples": samples,
        "width": width,
        "step": whole(step.name, samples, width, steps),
        "operations": rows,
    }


def lines(found):
    """The table as text."""
    yield (
        f"{found['name']}, n = {found['samples']}, m = {found['width']}: "
        "µs within a step, alone; rate"
    )
    for row in found["operations"]:
        rates = [1e-9 * row[kind] / row["seconds"] for kind in ("bytes", "flops")]
        rate = f"{rates[0]:6.1f} GB/s" if rates[0] else ""
        rate += f", {rates[1]:5.1f} GFLOP/s" if rates[1] else ""
        times = f"{1e6 * row['seconds']:7.2f} {1e6 * row['alone']:7.2f}"
        yield f"    {row['operation']:26} {times}  {rate}"
    total = sum(row["seconds"] for row in found["operations"])
    least = sum(row["alone"] for row in found["operations"])
    rest = found["step"] - total
    yield f"    {'sum':26} {1e6 * total:7.2f} {1e6 * least:7.2f}"
    step = 1e6 * found["step"]
    yield f"    {'a step of train':26} {step:7.2f}, rest {1e6 * rest:.2f}"


def tables():
    """Measure and print both steps on 15 and on 100 samples; returns them as data."""
    found = [
        profile(kind, samples, steps=60_000 // samples)
        for kind in (Step, PenaltyStep)
        for samples in (15, 100)
    ]
    for table in found:
        print(*lines(table), sep="\n", flush=True)
    return found
