"""Top eigenvalue and trace of the Hessian of R_S, each to 1%.

Every side takes the loosest tolerance with which its eigenvalue is within 1%, in the
root mean square over some starts. Our trace is exact. PyHessian's is the mean over as
many probes as a standard error of 1% takes, of which a batch is timed; curvlinops' is
XTrace with as few products as are accurate, or where 64 are not, as many times 64 as
make a mean that is.
"""

from functools import partial

import numpy as np

import refimpl
from benchmarks.accuracy import ACCURACY, loosest, samples_needed
from benchmarks.networks import MIDDLE, SMALL, text, trained
from benchmarks.rows import Row, Side, duration

TOLERANCES = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)
PRODUCTS = (8, 16, 32, 64)  # of XTrace
PILOT = 50  # probes from which the number needed is estimated, and that are timed
GOAL = 5


class Both:
    """The sides of the eigenvalue and of the trace, one after the other."""

    def __init__(self, eigenvalue, trace):
        self.parts = {"eigenvalue": eigenvalue, "trace": trace}
        self.seconds = []

    def turn(self):
        """Seconds of both; eigenvalue and trace."""
        seconds, values = zip(*(part.turn() for part in self.parts.values()))
        self.seconds.append(seconds)
        return sum(seconds), values

    @property
    def note(self):
        """The two times without that of the warm-up, and what was computed."""
        medians = np.median(self.seconds[1:], axis=0)
        return ", ".join(
            f"{name} {duration(time)} ({part.note})"
            for (name, part), time in zip(self.parts.items(), medians)
        )


def accurate(eigenvalue, risk, theta):
    """The side of ``eigenvalue(tolerance)``, with the loosest that is accurate."""
    exact = refimpl.top_eigenvalues(risk, theta.astype(np.float64), tolerance=1e-8)[0]
    tolerance, error = loosest(TOLERANCES, eigenvalue, exact)
    if error > ACCURACY:
        raise ArithmeticError(f"error {error:.1%} at tolerance {tolerance:g}")
    note = f"tolerance {tolerance:g}, error {error:.1%}"
    return Side(partial(eigenvalue, tolerance), float, note=note)


def ours(*case):
    """By `refimpl.top_eigenvalues` and `refimpl.hessian_trace`."""
    risk, theta = trained(*case)
    rng = np.random.default_rng(0)

    def eigenvalue(tolerance):
        return refimpl.top_eigenvalues(risk, theta, 1, tolerance, rng)[0]

    def trace():
        return refimpl.hessian_trace(risk, theta).mean

    return Both(accurate(eigenvalue, risk, theta), Side(trace, float, note="exact"))


def pyhessian(*case):
    """By power iteration, and Hutchinson's estimator."""
    import torch
    from pyhessian import hessian

    from benchmarks.pytorch import half_mse, in_pytorch

    risk, theta = trained(*case)
    model, X, Y = in_pytorch(risk, theta)

    def made():
        model.zero_grad()
        return hessian(model, half_mse, data=(X, Y), cuda=False)

    def eigenvalue(tolerance):
        return made().eigenvalues(maxIter=10_000, tol=tolerance)[0][0]

    def probes():
        return made().trace(maxIter=PILOT, tol=-1.0)  # all of them

    torch.manual_seed(0)
    pilot = probes()
    needed = samples_needed(np.mean(pilot), np.std(pilot, ddof=1))
    count = min(needed, risk.net.size)
    note = f"{count} probes, from {PILOT}"
    trace = Side(probes, np.mean, scale=count / PILOT, note=note)
    return Both(accurate(eigenvalue, risk, theta), trace)


def curvlinops(*case):
    """By SciPy's ``eigsh`` on its operator, as its manual says, and by XTrace."""
    import torch
    from curvlinops import HessianLinearOperator, xtrace
    from scipy.sparse.linalg import eigsh

    from benchmarks.pytorch import in_pytorch

    risk, theta = trained(*case)
    model, X, Y = in_pytorch(risk, theta)
    operator = HessianLinearOperator(
        model, torch.nn.MSELoss(), list(model.parameters()), [(X, Y)], num_data=len(X)
    )
    scale = risk.net.outputs / 2  # MSELoss has no ½ and averages outputs
    matrix, rng = operator.to_scipy(np.float32), np.random.default_rng(0)

    def eigenvalue(tolerance):
        v0 = rng.standard_normal(risk.net.size).astype(np.float32)
        return scale * eigsh(matrix, k=1, which="LA", tol=tolerance, v0=v0)[0][0]

    def trace(products):
        return scale * float(xtrace(operator, products))

    torch.manual_seed(0)
    exact = refimpl.hessian_trace(risk, theta.astype(np.float64)).mean
    products, error = loosest(PRODUCTS, trace, exact)
    times = max(1.0, (error / ACCURACY) ** 2)
    note = f"XTrace, {products} products, error {error:.1%}"
    if times > 1:
        note += f", times {times:.0f}"
    return Both(
        accurate(eigenvalue, risk, theta),
        Side(partial(trace, products), float, scale=times, note=note),
    )


def row(*case):
    return Row(
        f"Hessian: top eigenvalue and trace to 1%, {text(*case)}",
        "eigenvalue and trace",
        ours,
        {"PyHessian": pyhessian, "curvlinops": curvlinops},
        {"PyHessian": GOAL, "curvlinops": GOAL},
        case,
    )


ROWS = (row(SMALL, 100), row(MIDDLE, 1000))
