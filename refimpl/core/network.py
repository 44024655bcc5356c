"""What both networks share: the flat parameter vector, the noise, the checks.

A network supplies four passes, each written by hand in `two_layer` and `deep`. They
take the noise as factors q = 1 + η, one entry per hidden layer:

``run``               forward, keeping what the backward pass needs
``backward``          gradient of a scalar, given its derivatives upstream; where it is
                      the last to use the arrays of ``run``, it may overwrite them
``push``              directional derivative of the forward pass (forward mode)
``backward_push``     directional derivative of the backward pass (R-operator)

A scalar objective of this project depends on the network through three quantities: the
outputs F, the activations h of the last hidden layer (before noise) and the output
weights A. `Upstream` holds the derivatives of the scalar with respect to these three;
R_S needs the first only, R_1 the other two, R_S + R_1 all of them in one pass. R_1
depends on h by the energies E_j = ½ Σ_i h_ij² alone, which spares an array.
"""

import math
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

from refimpl.arrays.backend import empty, get_xp, like, matmul, multiply
from refimpl.arrays.checks import (
    as_floating,
    as_real,
    broadcast_lead,
    check_finite,
    check_generator,
    check_inputs,
    check_integer,
)
from refimpl.arrays.types import Array, ArrayLike, Factors, Noise
from refimpl.core.activations import get_activation


class Upstream(NamedTuple):
    """Derivatives of a scalar with respect to F, h and A; ``None`` is zero.

    A pass backward may overwrite them.
    """

    output: Any = None  # (..., n, o)
    hidden: Any = None  # (..., n, m)
    weights: Any = None  # (..., o, m)
    energy: Any = None  # (..., 1, m) with respect to E_j, for which ∂E_j/∂h_ij = h_ij


class Network:
    """Base of `TwoLayer` and `Deep`: θ as one vector, η as one entry per layer.

    Attributes
    ----------
    inputs, outputs : int
        d and d'.
    hidden : tuple of int
        Widths of the hidden layers.
    size : int
        Number of parameters P.
    shapes : tuple of tuple of int
        Shapes of the parameter arrays, in their order in θ.
    """

    run: Any  # the four passes
    backward: Any
    push: Any
    backward_push: Any

    def __init__(self, inputs, hidden, outputs, activation, shapes):
        self.inputs, self.hidden, self.outputs = inputs, hidden, outputs
        self.activation = get_activation(activation)
        self.shapes = tuple(shapes)
        self.size = sum(math.prod(shape) for shape in self.shapes)

    def forward(self, theta: ArrayLike, X: ArrayLike, eta: Noise = None) -> Array:
        """Outputs of the network.

        Parameters
        ----------
        theta : (..., P)
        X : (..., n, d)
        eta : dropout noise, optional
            (..., 1, m) shared by all samples or (..., n, m) per sample; a tuple has
            one entry per hidden layer, ``None`` for none.

        Returns
        -------
        F : (..., n, o)

        Raises
        ------
        ValueError
            If a shape does not fit, or theta or X is not finite.
        """
        theta, X = self.check_theta(theta), check_inputs(self, X)
        q = self.check_noise(eta, theta, X.shape[-2])
        masks = [factor.shape[:-2] for factor in q if factor is not None]
        broadcast_lead("theta, X and eta", theta.shape[:-1], X.shape[:-2], *masks)
        return self.run(theta, self.prepare(like(X, theta)), q).output

    def split(self, theta):
        """Views of `theta`, one per parameter array, leading axes kept."""
        raise NotImplementedError

    def prepare(self, X):
        """`X` as `run` takes it; done once per data set."""
        return X

    def join(self, arrays):
        """Inverse of `split`: one vector (..., P) from the parameter arrays."""
        arrays = [as_floating("parameters", a) for a in arrays]
        if len(arrays) != len(self.shapes):
            raise ValueError(
                f"parameters must be {len(self.shapes)} arrays, got {len(arrays)}"
            )
        xp = get_xp(*arrays)
        leads = []
        for array, shape in zip(arrays, self.shapes):
            lead = array.ndim - len(shape)
            if lead < 0 or array.shape[lead:] != shape:
                raise ValueError(
                    f"parameter array must have trailing shape {shape}, "
                    f"got shape {array.shape}"
                )
            leads.append(array.shape[:lead])
        lead = broadcast_lead("parameters", *leads)
        theta = xp.empty(lead + (self.size,), dtype=xp.result_type(*arrays))
        for view, array in zip(self.split(theta), arrays):
            view[...] = array
        return theta

    def draw_init(self, rng, std_of_layer):
        """θ (P,) with independent N(0, std²) entries, std given per array.

        A sequence of R generators gives (R, P): one network from each.
        """
        check_generator(rng)
        if isinstance(rng, (list, tuple)):
            rows = [self.draw_init(one, std_of_layer) for one in rng]
            return get_xp(*rows).stack(rows)
        return self.join(
            [
                std * rng.standard_normal(shape)
                for std, shape in zip(std_of_layer, self.shapes)
            ]
        )

    def empty_gradient(self, dz):
        """Uninitialised gradient (..., P) with the leading axes of `dz` (..., n, m)."""
        return empty(dz.shape[:-2] + (self.size,), dz)

    def to_hidden(self, run, upstream):
        """Derivatives (..., n, m) with respect to h: ∂f_ik/∂h_ij = a_kj q_ij."""
        dh = upstream.hidden
        if upstream.energy is not None:
            dh = added(multiply(upstream.energy, run.hidden), dh)
        if upstream.output is not None:
            dh = added(masked(matmul(upstream.output, run.A), run.q_last), dh)
        return dh

    def check_theta(self, theta, name="theta", finite=True):
        """`theta` as an array, its last axis checked to be P and its values finite."""
        theta = as_floating(name, theta)
        if theta.ndim == 0 or theta.shape[-1] != self.size:
            raise ValueError(
                f"{name} must have shape (..., {self.size}), one entry per parameter, "
                f"got shape {theta.shape}"
            )
        if finite:
            check_finite(name, theta)
        return theta

    def check_layer(self, layer):
        """`layer`, checked to be the index of a hidden layer."""
        try:
            return check_integer("layer", layer, 0, len(self.hidden) - 1)
        except ValueError:
            raise ValueError(
                f"layer must be a hidden layer, 0 to {len(self.hidden) - 1}, "
                f"got {layer!r}"
            ) from None

    def check_noise(self, eta, theta, n):
        """The factors q = 1 + η, one entry per hidden layer, ``None`` for no noise.

        Shapes and values are checked; q is in the array module and dtype of `theta`.
        """
        if eta is None:
            return self.no_noise
        if not isinstance(eta, tuple):
            eta = (None,) * (len(self.hidden) - 1) + (eta,)
        if len(eta) != len(self.hidden):
            raise ValueError(
                f"eta must have one entry per hidden layer ({len(self.hidden)}), "
                f"got {len(eta)}"
            )
        leads = [theta.shape[:-1]]
        for noise, width in zip(eta, self.hidden):
            if noise is None:
                continue
            shape = getattr(noise, "shape", ())
            if len(shape) < 2 or shape[-1] != width or shape[-2] not in (1, n):
                raise ValueError(
                    f"eta must have shape (..., 1, {width}) or (..., {n}, {width}), "
                    f"got {shape if shape else type(noise).__name__}"
                )
            check_finite("eta", as_real("eta", noise))
            leads.append(shape[:-2])
        broadcast_lead("theta and eta", *leads)
        return tuple(None if noise is None else 1 + like(noise, theta) for noise in eta)

    @property
    def no_noise(self) -> Factors:
        """The noise factors of a network without dropout."""
        return (None,) * len(self.hidden)


def noisy(h, q):
    """Dropped-out layer q ⊙ h, q = 1 + η.

    Equation: eq:dropout
    """
    return h if q is None else multiply(q, h)


def contiguous_views(theta, shapes):
    """Views of `theta` (..., P) with `shapes`, one after the other."""
    lead = theta.shape[:-1]
    return [theta[span].reshape(lead + shape) for span, shape in _spans(shapes)]


@cache
def _spans(shapes):
    """Where in θ the entries of each shape are, as indices of an array."""
    ends = list(accumulate(math.prod(shape) for shape in shapes))
    starts = [0, *ends[:-1]]
    return [((..., slice(*ends)), shape) for *ends, shape in zip(starts, ends, shapes)]


def added(a, b):
    """a + b, in the place of a where that is possible; b may be ``None``."""
    if b is None:
        return a
    return get_xp(a).add(a, b, out=a if a.shape == b.shape else None)


def masked(dh, q):
    """Derivative with respect to h, from the one with respect to q ⊙ h, in place."""
    if q is not None:
        dh *= q
    return dh
