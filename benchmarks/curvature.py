"""Top eigenvalue and trace of the Hessian of R_S, each to 1%.

Every side takes the loosest tolerance with which its eigenvalue is within 1%, in the
root mean square over five starts. Ours is the exact trace. PyHessian's is the mean over
as many probes as a standard error of 1% takes, of which a batch is timed; curvlinops'
is XTrace with as few products as are accurate, or where 64 are not, as many times 64 as
make a mean that is.
"""

import time
from functools import partial

import numpy as np
from scipy.sparse.linalg import eigsh

import refimpl
from benchmarks.accuracy import ACCURACY, loosest, rms_error, samples_needed
from benchmarks.networks import MIDDLE, SMALL, text, torch_model, torch_risk, trained
from benchmarks.rows import Row, duration

TOLERANCES = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)
PRODUCTS = (8, 16, 32, 64)  # of XTrace
PILOT = 50  # probes from which the number needed is estimated, and that are timed
GOAL = 5


class Side:
    """Times eigenvalue and trace, and keeps the two times apart for the note."""

    def __init__(self, widths, samples):
        self.risk, self.theta = trained(widths, samples, 500 if widths[0] == 1 else 5)
        accurate = self.theta.astype(np.float64)
        (self.exact,) = refimpl.top_eigenvalues(self.risk, accurate, tolerance=1e-8)
        self.prepare()
        self.tolerance, self.error = loosest(TOLERANCES, self.eigenvalue, self.exact)
        self.repeats, self.parts = 1 if samples * widths[0] > 10_000 else 10, ([], [])

    def prepare(self):
        """What is not timed."""

    def eigenvalue(self, tolerance, seed):
        """From a start that `seed` gives."""
        raise NotImplementedError

    def trace(self):
        """Trace, and by what its time is multiplied."""
        raise NotImplementedError

    def turn(self):
        """Seconds of both; eigenvalue and trace."""
        taken = [self._once(seed) for seed in range(self.repeats)]
        seconds = np.mean([times for times, _ in taken], axis=0)
        for part, second in zip(self.parts, seconds):
            part.append(second)
        return float(seconds.sum()), taken[0][1]

    def _once(self, seed):
        start = time.perf_counter()
        top = self.eigenvalue(self.tolerance, seed)
        middle = time.perf_counter()
        trace, times = self.trace()
        end = time.perf_counter()
        return (middle - start, times * (end - middle)), (float(top), float(trace))

    @property
    def note(self):
        """The two times, and how the accuracy was reached."""
        top, trace = (duration(np.median(part[1:])) for part in self.parts)
        return (
            f"eigenvalue {top} (tolerance {self.tolerance:g}, error {self.error:.1%}), "
            f"trace {trace} ({self.by})"
        )


class Ours(Side):
    """By `refimpl.top_eigenvalues` and `refimpl.hessian_trace`."""

    by = "exact"

    def eigenvalue(self, tolerance, seed):
        rng = np.random.default_rng(seed)
        return refimpl.top_eigenvalues(self.risk, self.theta, 1, tolerance, rng)[0]

    def trace(self):
        return refimpl.hessian_trace(self.risk, self.theta).mean, 1.0


class PyHessian(Side):
    """By power iteration, and Hutchinson's estimator."""

    def prepare(self):
        import pyhessian  # noqa: F401  (its absence is to show here)

        self.model, self.X, self.Y = torch_model(self.risk, self.theta)
        self.hessian = partial(pyhessian.hessian, self.model, torch_risk, cuda=False)
        samples = self._probes(PILOT)
        needed = samples_needed(np.mean(samples), np.std(samples, ddof=1))
        self.probes = min(needed, self.risk.net.size)
        self.by = f"{self.probes} probes, from {PILOT}"

    def eigenvalue(self, tolerance, seed):
        import torch

        torch.manual_seed(seed)
        self.model.zero_grad()
        made = self.hessian(data=(self.X, self.Y))
        return made.eigenvalues(maxIter=10_000, tol=tolerance)[0][0]

    def trace(self):
        return np.mean(self._probes(PILOT)), self.probes / PILOT

    def _probes(self, count):
        self.model.zero_grad()
        made = self.hessian(data=(self.X, self.Y))
        return made.trace(maxIter=count, tol=-1.0)  # all of them


class Curvlinops(Side):
    """By SciPy's ``eigsh`` on its operator, as its manual says, and by XTrace."""

    def prepare(self):
        from curvlinops import HessianLinearOperator, xtrace
        from torch.nn import MSELoss

        model, X, Y = torch_model(self.risk, self.theta)
        self.operator = HessianLinearOperator(
            model, MSELoss(), list(model.parameters()), [(X, Y)], num_data=len(X)
        )
        self.scale = self.risk.net.outputs / 2  # MSELoss has no ½ and averages outputs
        self.scipy = self.operator.to_scipy(np.float32)
        self.xtrace = xtrace
        exact = refimpl.hessian_trace(self.risk, self.theta.astype(np.float64)).mean
        for self.products in PRODUCTS:
            error = rms_error(lambda seed: self._xtrace(self.products, seed), exact)
            if error <= ACCURACY:
                break
        self.times = max(1.0, (error / ACCURACY) ** 2)
        self.by = f"XTrace, {self.products} products, error {error:.1%}"
        if self.times > 1:
            self.by += f", times {self.times:.0f}"

    def eigenvalue(self, tolerance, seed):
        start = np.random.default_rng(seed).standard_normal(self.risk.net.size)
        found = eigsh(
            self.scipy,
            k=1,
            which="LA",
            tol=tolerance,
            v0=start.astype(np.float32),
            return_eigenvectors=False,
        )
        return found[0] * self.scale

    def trace(self):
        return self._xtrace(self.products, 0), self.times

    def _xtrace(self, products, seed):
        import torch

        torch.manual_seed(seed)
        return float(self.xtrace(self.operator, products)) * self.scale


def _row(widths, samples):
    case = widths, samples
    return Row(
        f"Hessian: top eigenvalue and trace to 1%, {text(*case)}",
        "eigenvalue and trace",
        partial(Ours, *case),
        {
            "PyHessian": partial(PyHessian, *case),
            "curvlinops": partial(Curvlinops, *case),
        },
        {"PyHessian": GOAL, "curvlinops": GOAL},
    )


ROWS = (_row(SMALL, 100), _row(MIDDLE, 1000))
