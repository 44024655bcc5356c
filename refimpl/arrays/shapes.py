"""What shapes arguments must have: θ, X, Y, η and the leading axes of all of them."""

import math

from refimpl.arrays.backend import get_xp, like, move
from refimpl.arrays.checks import as_floating, as_real, check_finite, check_integer


def broadcast_lead(name, *leads):
    """Common shape of the leading axes `leads`."""
    # np.broadcast_shapes has no counterpart in CuPy; these are shapes, not arrays.
    from numpy import broadcast_shapes

    try:
        return broadcast_shapes(*leads)
    except ValueError:
        raise ValueError(
            f"leading axes of {name} must broadcast, got {', '.join(map(str, leads))}"
        ) from None


def leads(theta, q):
    """Leading axes of θ and of the noise factors."""
    masks = [factor.shape[:-2] for factor in q if not isinstance(factor, float)]
    return [theta.shape[:-1], *masks]


def check_direction(v, theta, q, lead):
    """`v` (..., P) in the module and dtype of `theta`; a complex one stays so."""
    v = check_parameters("v", v, theta.shape[-1])
    names = "theta, v, eta, data and parameters"
    broadcast_lead(names, *leads(theta, q), v.shape[:-1], lead)
    return v if v.dtype.kind == "c" else like(v, theta)


def check_parameters(name, theta, size, finite=True):
    """`theta` as a floating array (..., size), its values finite if need be."""
    theta = as_floating(name, theta)
    if theta.dtype.itemsize < 4:
        raise ValueError(f"{name} must be float32 or float64, got {theta.dtype}")
    if theta.ndim == 0 or theta.shape[-1] != size:
        raise ValueError(
            f"{name} must have shape (..., {size}), one entry per parameter, "
            f"got shape {theta.shape}"
        )
    if finite:
        check_finite(name, theta)
    return theta


def check_inputs(X, inputs):
    """`X` as a finite array (..., n, inputs), n at least 1."""
    X = as_real("X", X)
    if X.ndim < 2 or X.shape[-1] != inputs:
        raise ValueError(
            f"X must have shape (..., n, {inputs}), one column per input, "
            f"got shape {X.shape}"
        )
    if X.shape[-2] == 0:
        raise ValueError(f"X must have at least one sample, got shape {X.shape}")
    check_finite("X", X)
    return X


def check_targets(Y, n, outputs):
    """Targets (..., n, outputs) as a finite array; of one output (n,) is a column."""
    Y = as_real("Y", Y)
    if Y.shape == (n,) and outputs == 1:
        Y = Y[:, None]
    if Y.ndim < 2 or Y.shape[-2:] != (n, outputs):
        raise ValueError(
            f"Y must have shape (..., {n}, {outputs}): samples of X by outputs of "
            f"the network, got shape {Y.shape}"
        )
    check_finite("Y", Y)
    return Y


def check_distributions(Y, n, outputs):
    """Rows (..., n, outputs) that sum to 1, from labels (n,) or such rows."""
    xp = get_xp(Y)
    try:
        labels = xp.asarray(Y)
    except (TypeError, ValueError):
        labels = as_real("Y", Y)
    if labels.ndim == 1 and labels.dtype.kind in "iu" and len(labels) == n:
        if not (0 <= labels.min() and labels.max() < outputs):
            two = "; two classes take two outputs" if outputs == 1 else ""
            raise ValueError(
                f"Y must hold labels 0 to {outputs - 1}, one for each output, got "
                f"{int(labels.min())} to {int(labels.max())}{two}"
            )
        return (labels[:, None] == xp.arange(outputs)).astype(float)
    Y = as_real("Y", Y)
    if Y.ndim < 2 or Y.shape[-2:] != (n, outputs):
        raise ValueError(
            f"Y must be integer labels ({n},) or probabilities "
            f"(..., {n}, {outputs}), got shape {labels.shape} of {labels.dtype}"
        )
    check_finite("Y", Y)
    if (Y < 0).any():
        raise ValueError(f"Y must hold probabilities, got {float(Y.min())}")
    if (abs(Y.sum(axis=-1) - 1) > 1e-6).any():
        raise ValueError(
            "Y must hold probabilities, each row summing to 1, got rows that sum "
            f"to {float(Y.sum(axis=-1).min())} to {float(Y.sum(axis=-1).max())}"
        )
    return Y


def check_noise(eta, theta, n, hidden):
    """The factors q = 1 + η, one entry per hidden layer, 1.0 where there is no noise.

    Shapes and values are checked; q is in the array module and dtype of `theta`.
    """
    if not isinstance(eta, tuple):
        eta = (None,) * (len(hidden) - 1) + (eta,)
    if len(eta) != len(hidden):
        raise ValueError(
            f"eta must have one entry per hidden layer ({len(hidden)}), got {len(eta)}"
        )
    q, leads = [], [theta.shape[:-1]]
    for noise, width in zip(eta, hidden):
        if noise is None:
            q.append(1.0)
            continue
        shape = getattr(noise, "shape", ())
        if len(shape) < 2 or shape[-1] != width or shape[-2] not in (1, n):
            raise ValueError(
                f"eta must have shape (..., 1, {width}) or (..., {n}, {width}), "
                f"got {shape if shape else type(noise).__name__}"
            )
        if noise.dtype.kind == "b":
            raise ValueError("eta must be the noise, (1−p)/p or −1, got a mask of bool")
        check_finite("eta", as_real("eta", noise))
        leads.append(shape[:-2])
        q.append(1 + like(noise, theta))
    broadcast_lead("theta and eta", *leads)
    return tuple(q)


def check_layer(layer, layers):
    """`layer`, checked to be the index of one of as many hidden `layers`."""
    try:
        return check_integer("layer", layer, 0, layers - 1)
    except ValueError:
        raise ValueError(
            f"layer must be a hidden layer, 0 to {layers - 1}, got {layer!r}"
        ) from None


def check_std(std, layers):
    """`std` as a list of floats, one per layer, zero or more."""
    stds = list(std) if isinstance(std, (list, tuple)) else [std] * layers
    try:
        valid = len(stds) == layers and all(
            not isinstance(one, bool) and math.isfinite(one) and one >= 0
            for one in stds
        )
    except TypeError:
        valid = False
    if not valid:
        raise ValueError(
            f"std must be finite and at least 0, one number or {layers}, got {std!r}"
        )
    return [float(one) for one in stds]


def rate_per_row(rate, theta):
    """A learning rate as a float, or as a column (R, 1) in θ's dtype and module."""
    if isinstance(rate, float):
        return rate
    if rate.shape != theta.shape[:-1]:
        raise ValueError(
            f"learning_rate must be a number or have shape {theta.shape[:-1]}, one "
            f"entry per replica, got shape {rate.shape}"
        )
    return like(rate, theta)[..., None]


def check_widths(widths):
    """`widths` as a tuple of at least three positive int."""
    try:
        sizes = tuple(widths)
    except TypeError:
        sizes = ()
    if len(sizes) < 3:
        raise ValueError(
            "widths must have at least three entries (inputs, hidden, outputs), "
            f"got {widths}"
        )
    return tuple(check_integer("widths", m, 1) for m in sizes)


def take_samples(X, Y, indices):
    """The samples `indices` of data (..., n, d) and (..., n, o).

    Of data of several replicas, on one axis, `indices` are (R, B), a row for each.
    """
    xp, lead = get_xp(X), broadcast_lead("X and Y", X.shape[:-2], Y.shape[:-2])
    if len(lead) > 1:
        raise ValueError(
            f"X and Y must have at most one replica axis for batches, got {lead}"
        )
    if not isinstance(indices, slice):
        indices = move(indices, xp)
    if lead and getattr(indices, "ndim", 0) != 2:
        raise ValueError(
            "indices must have shape (R, B), a row for each of several data sets of "
            f"shape {X.shape}, got {indices!r}"
        )
    X, Y = (xp.broadcast_to(one, lead + one.shape[-2:]) for one in (X, Y))
    rows = (xp.arange(len(X))[:, None],) if lead else ()
    try:
        return X[(*rows, indices)], Y[(*rows, indices)]
    except IndexError:
        n = X.shape[-2]
        raise ValueError(
            f"indices must be integers in {-n} to {n - 1}, or a bool for each of the "
            f"{n} samples, got {indices!r}"
        ) from None


def check_start(theta, lead):
    """Raise ``ValueError`` unless θ has all replica axes, those of the data too."""
    own = theta.shape[:-1]
    if broadcast_lead("theta and data", own, lead) != own:
        raise ValueError(
            f"theta must have the replica axes of data and keep, {lead}, got {own}"
        )
