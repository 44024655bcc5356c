"""Any shapes: those of the contract give what a loop gives, all others are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl

N = 3  # samples
NETS = {"two": refimpl.TwoLayer(2, 3, 2), "deep": refimpl.Deep((2, 4, 3, 2), "tanh")}
leads = st.sampled_from([(), (1,), (2,), (3,), (2, 1), (1, 3), (2, 3)])
# One in three a length that does not fit.
off = st.sampled_from([0, 0, 0, 0, 1, -1])
dtypes = st.sampled_from([np.float64, np.float32, np.int64, np.bool_])
cases = settings(derandomize=True, database=None, deadline=None, max_examples=150)


def array(shape, dtype=float, seed=0):
    values = np.random.default_rng([seed, *shape]).standard_normal(shape)
    return values.astype(dtype)


def fits(*shapes):
    """The leading axes these give together, or ``None``."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def looped(fn, lead, *arrays_and_trailing):
    """`fn` of one index after the other of the leading axes `lead`."""
    whole = [
        np.broadcast_to(a, lead + a.shape[a.ndim - trailing :])
        for a, trailing in arrays_and_trailing
    ]
    each = [fn(*(a[index] for a in whole)) for index in np.ndindex(*lead)]
    return np.array(each).reshape(lead + np.shape(each[0]))


def check(call, valid, expected, rtol=1e-10):
    """`call` gives what `expected` gives where `valid`, and is refused elsewhere."""
    if not valid:
        with pytest.raises(ValueError, match="must .*got"):
            call()
        return
    found, looped_over = call(), expected()
    assert np.shape(found) == np.shape(looped_over)
    np.testing.assert_allclose(found, looped_over, rtol=rtol, atol=rtol)


def tolerance(*dtypes):
    return 1e-4 if np.float32 in dtypes else 1e-10


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@cases
@given(leads, leads, leads, leads, off, off, off, dtypes, st.booleans())
def test_risk_and_gradient(
    net, a, b, c, d, off_theta, off_eta, off_y, dtype, per_sample
):
    theta = array(a + (net.size + off_theta,), dtype)
    X, Y = array(b + (N, 2), seed=1), array(c + (N + off_y, 2), seed=2)
    eta = array(d + (N if per_sample else 1, net.hidden[-1] + off_eta), seed=3)
    lead = fits(a, b, c, d)
    valid = lead is not None and not (off_theta or off_eta or off_y)

    def of(method):
        def one(theta, X, Y, eta):
            return method(refimpl.Risk(net, X, Y))(theta, eta)

        return one

    for method in (lambda risk: risk, lambda risk: risk.gradient):
        check(
            lambda: of(method)(theta, X, Y, eta),
            valid,
            lambda: looped(of(method), lead, (theta, 1), (X, 2), (Y, 2), (eta, 2)),
            tolerance(dtype),
        )


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@cases
@given(leads, leads, leads, off, off, st.sampled_from([np.float64, np.float32]))
def test_hessian_products(net, a, b, c, off_theta, off_v, dtype):
    theta = array(a + (net.size + off_theta,), dtype)
    v = array(b + (net.size + off_v,), seed=1)
    X, Y = array(c + (N, 2), seed=2), array((N, 2), seed=3)
    lead = fits(a, b, c)
    whole, gauss_newton = (lambda risk: risk), refimpl.GaussNewton
    for make in (whole, gauss_newton, lambda risk: refimpl.L1(risk, 0.5)):

        def product(theta, v, X):
            return make(refimpl.Risk(net, X, Y)).hvp(theta, v)

        check(
            lambda: product(theta, v, X),
            lead is not None and not (off_theta or off_v),
            lambda: looped(product, lead, (theta, 1), (v, 1), (X, 2)),
            tolerance(dtype),
        )


@cases
@given(leads, leads, leads, off, st.sampled_from(["R1", "R2", "L1", "L4", "decay"]))
def test_one_number_per_replica(a, b, c, off_theta, name):
    net = NETS["two"]
    theta, X = array(a + (net.size + off_theta,)), array(b + (N, 2), seed=1)
    number = np.random.default_rng(2).uniform(0.3, 0.9, c)
    drop = refimpl.Dropout(0.5)
    value = {
        "R1": lambda risk, t, k: refimpl.R1(risk, t, k),
        "R2": lambda risk, t, k: refimpl.R2(risk, t, drop, k),
        "L1": lambda risk, t, k: refimpl.L1(risk, k)(t),
        "L4": lambda risk, t, k: refimpl.L4(risk, k)(t),
        "decay": lambda risk, t, k: refimpl.WeightDecay(risk, k)(t),
    }[name]

    def one(theta, X, number):
        return value(refimpl.Risk(net, X, np.ones((N, 2))), theta, number)

    lead = fits(a, b, c)
    check(
        lambda: one(theta, X, number),
        lead is not None and not off_theta,
        lambda: looped(one, lead, (theta, 1), (X, 2), (number, 0)),
    )


@cases
@given(leads, leads, off, off, st.sampled_from([(2,), (0,), (), (1, 2)]))
def test_the_loss_along_a_direction(a, b, off_theta, off_direction, steps):
    net = NETS["two"]
    risk = refimpl.Risk(net, array((N, 2)), array((N, 2)))
    theta = array(a + (net.size + off_theta,))
    direction = array(b + (net.size + off_direction,), seed=1)
    lead, alphas = fits(a, b), array(steps, seed=2)
    fitting = lead is not None and not (off_theta or off_direction)

    def along(theta, direction):
        return np.moveaxis(refimpl.loss_along(risk, theta, direction, alphas), 0, -1)

    check(
        lambda: along(theta, direction),
        fitting and steps == (2,),
        lambda: looped(along, lead, (theta, 1), (direction, 1)),
    )

    def scaled(theta, direction):
        return refimpl.normalize_filters(net, direction, theta, "row")

    check(
        lambda: scaled(theta, direction),
        fitting,
        lambda: looped(scaled, lead, (theta, 1), (direction, 1)),
    )


@cases
@given(leads, leads, leads, off, dtypes)
def test_measures_of_weights(a, b, c, off_rows, dtype):
    weights, outgoing = array(a + (4, 2), dtype), array(b + (4 + off_rows, 3), dtype)
    lead = fits(a, b)
    rtol = tolerance(dtype)
    check(
        lambda: refimpl.amplitude(weights, outgoing),
        lead is not None and not off_rows,
        lambda: looped(refimpl.amplitude, lead, (weights, 2), (outgoing, 2)),
        rtol,
    )
    for measure in (refimpl.cosine_similarity, refimpl.effective_ratio):
        check(
            lambda: measure(weights),
            True,
            lambda: looped(measure, a, (weights, 2)),
            rtol,
        )
    amplitudes = abs(array(c + (4,)))
    check(
        lambda: refimpl.orientation_count(weights, amplitudes),
        a == c,
        lambda: looped(refimpl.orientation_count, a, (weights, 2), (amplitudes, 1)),
    )


NONE = {
    "R_S": (lambda risk, theta: risk(theta), (0,)),
    "gradient": (lambda risk, theta: risk.gradient(theta), (0, "P")),
    "hvp": (lambda risk, theta: risk.hvp(theta, theta), (0, "P")),
    "R1": (lambda risk, theta: refimpl.R1(risk, theta, 0.9), (0,)),
    "R2": (lambda risk, theta: refimpl.R2(risk, theta, refimpl.Dropout(0.9), 1), (0,)),
    "Hessian": (refimpl.hessian, (0, "P", "P")),
    "eigenvalues": (lambda *args: refimpl.top_eigenvalues(*args, k=2), (0, 2)),
    "trace": (lambda *args: refimpl.hessian_trace(*args).mean, (0,)),
    "training": (
        lambda risk, theta: (
            refimpl.train(
                risk,
                theta,
                refimpl.Adam(0.1),
                3,
                refimpl.Dropout(0.9),
                rng=np.random.default_rng(0),
            ).theta
        ),
        (0, "P"),
    ),
}


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@pytest.mark.parametrize("name", NONE)
def test_no_replicas_give_no_results(net, name):
    call, shape = NONE[name]
    risk = refimpl.Risk(net, array((N, 2)), array((N, 2)))
    result = call(risk, np.empty((0, net.size)))
    assert result.shape == tuple(net.size if one == "P" else one for one in shape)
