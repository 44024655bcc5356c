"""tr Cov ∇R_S^drop of the two-layer network, in closed form, and its gradient.

With u_ikj = a_kj h_ij the residual under noise is e_ik = r_ik + Σ_l η_il u_ikl. Neuron
j's part of the gradient is linear in the products q_ij e_ik, q = 1 + η, that is in

    q_j,   q_j η_j,   q_j η_l (l ≠ j):   uncorrelated, but for the first two.

So the trace is a sum over neurons of c₀‖∇_j R_S‖² + 2c₁ ∇_j R_S·∇_j Φ + c₂‖∇_j Φ‖²,
Φ = R_1 at unit variance, plus c₃ times a sum over pairs of neurons. It is written with
Gram matrices over the samples that share a mask: all n, or one.
"""

from typing import Any, NamedTuple

from refimpl.arrays.backend import chunks, get_xp, per_replica, transpose, with_ones
from refimpl.arrays.limits import check_memory
from refimpl.core.network import Upstream

# Arrays over samples and neurons that are held, at least.
VALUE, GRADIENT = 8, 16


class Terms(NamedTuple):
    """The factors of the formula; g samples share a mask (g = 1: per sample)."""

    X: Any  # (..., g, d+1) rows (x_i, 1)
    r: Any  # (..., g, o) residual f − y
    h: Any  # (..., g, m) activation
    slope: Any  # (..., g, m) σ′
    rho: Any  # (..., g, m) ρ_ij = Σ_k r_ik a_kj
    P: Any  # (..., g, m) σ′_ij ρ_ij: Σ_i P_ij (x_i, 1)/n is ∂R_S/∂(w_j, b_j)
    Omega: Any  # (..., g, m) σ′_ij ‖a_j‖² h_ij: the same of Φ

    def rows(self, start, stop):
        """The same of the samples `start` to `stop` of each group."""
        return Terms(*(array[..., start:stop, :] for array in self))


def trace(risk, theta, moments, per_sample):
    """tr Cov ∇R_S^drop (...). Arguments are as `gradient_noise` prepares them.

    Equation: eq:r2-shared, eq:r2-per-sample
    """
    check_memory("R_2", risk, theta, VALUE)
    _, terms, A, norm = _terms(risk, theta, per_sample)
    c = _coefficients(moments, terms.h, per_sample)
    total = sum(_rows_value(c, terms.rows(*r), terms, A, norm) for r in _rows(terms))
    return (total.sum(axis=-1) if per_sample else total) / risk.n**2


def trace_gradient(risk, theta, moments, per_sample):
    """Gradient (..., P) of `trace`: its derivatives with respect to r, h, σ′ and A,
    pulled back through one forward pass.

    Equation: eq:r2-gradient
    """
    check_memory("the gradient of R_2", risk, theta, GRADIENT)
    run, terms, A, norm = _terms(risk, theta, per_sample)
    c0, c1, c2, c3 = c = _coefficients(moments, terms.h, per_sample)
    samples = (-3, -2) if per_sample else (-2,)
    parts = [
        _rows_derivatives(c, terms.rows(*r), terms, A, norm, samples)
        for r in _rows(terms)
    ]
    *by_row, dAs, dnorms = zip(*parts)
    dr, dh, dslope, drho = (get_xp(theta).concatenate(rows, axis=-2) for rows in by_row)
    dA, dnorm, h, rho = sum(dAs), sum(dnorms), terms.h, terms.rho
    # 2c₁ Σ_j κ_j β_j + c₂ Σ_j ‖a_j‖² β_j² with κ_j = Σ_i h_ij ρ_ij and β_j = Σ_i h_ij²
    kappa = (h * rho).sum(axis=-2, keepdims=True)
    beta = (h * h).sum(axis=-2, keepdims=True)
    drho = drho + 2 * c1 * beta * h
    dbeta = 2 * c1 * kappa + 2 * c2 * norm * beta
    dh = dh + 2 * c1 * beta * rho + 2 * dbeta * h
    dnorm = dnorm + (c2 * beta**2).sum(axis=samples, keepdims=True)
    # ρ = r A and ‖a_j‖² = Σ_k a_kj²
    dr = dr + drho @ transpose(A)
    dA, r = dA + 2 * A * dnorm, terms.r
    if per_sample:  # back to all samples in one group
        dA = dA[..., 0, :, :]
        r, dr, dh, dslope, drho = (a[..., 0, :] for a in (r, dr, dh, dslope, drho))
    dA = dA + transpose(r) @ drho
    # r = f − y; and `backward` does not know σ′: ∂σ′_ij/∂(w_j, b_j) = σ″_ij (x_i, 1)
    net, X = risk.net, run.kept[0]
    dz = dslope * net.activation.curvature(run.h)
    of_slope = net.join([transpose(dz) @ X, dz.sum(axis=-2), 0 * run.A])
    return (net.backward(run, Upstream(dr, dh, dA)) + of_slope) / risk.n**2


def _rows_value(c, i, t, A, norm):
    """n² tr Cov, the part of the pairs of samples (i, i′) with i in the rows `i`."""
    c0, c1, c2, c3 = c
    G, hh = _gram(i.X, t.X), _gram(i.h, t.h)
    risk_risk = _gram(i.r, t.r) * hh + G * _gram(i.P, t.P)
    risk_r1 = _gram(i.h * i.rho, t.h * t.h) + G * _gram(i.P, t.Omega)
    r1_r1 = _gram(i.h * i.h * norm, t.h * t.h) + G * _gram(i.Omega, t.Omega)
    pairs = hh * _gram(i.h * norm, t.h)
    for _, _, weight, times in _output_pairs(A):
        # Σ_{k,k′} of this is Σ_{j,l} (a_j·a_l)² σ′_ij σ′_i′j h_il h_i′l
        U, V = _gram(i.slope * weight, t.slope), _gram(i.h * weight, t.h)
        pairs = pairs + times * (G * U * V)
    total = c0 * risk_risk + 2 * c1 * risk_r1 + c2 * r1_r1 + c3 * pairs
    return total.sum(axis=(-2, -1))


def _rows_derivatives(c, i, t, A, norm, samples):
    """Derivatives of the sum of `_rows_value` with respect to r, h, σ′ and ρ of the
    rows `i`, and what these rows add to those of A and ‖a_j‖² (a sum over the axes
    `samples`).

    Without the part in κ and β, which is no matter of pairs. Every matrix over pairs is
    symmetric, so a row's derivative is twice its row.
    """
    c0, c1, c2, c3 = c
    G, hh, rr = _gram(i.X, t.X), _gram(i.h, t.h), _gram(i.r, t.r)
    hh_h = hh @ t.h
    dr = 2 * c0 * hh @ t.r
    dP = 2 * G @ (c0 * t.P + c1 * t.Omega)
    dOmega = 2 * G @ (c1 * t.P + c2 * t.Omega)
    dnorm_h = dOmega * i.slope  # of ‖a_j‖² h_ij: P = σ′ρ, Ω = σ′‖a‖²h
    drho = dP * i.slope
    dslope = dP * i.rho + dOmega * norm * i.h
    dh = 2 * c0 * rr @ t.h + norm * dnorm_h
    dh = dh + 2 * c3 * (hh_h * norm + _gram(i.h * norm, t.h) @ t.h)
    dnorm = (i.h * (dnorm_h + c3 * hh_h)).sum(axis=samples, keepdims=True)
    dA = get_xp(A).zeros_like(dnorm * A)
    for k, other, weight, times in _output_pairs(A):
        factor = times * c3
        V_slope = factor * (G * _gram(i.h * weight, t.h)) @ t.slope
        U_h = factor * (G * _gram(i.slope * weight, t.slope)) @ t.h
        dslope = dslope + 2 * V_slope * weight
        dh = dh + 2 * U_h * weight
        dweight = i.slope * V_slope + i.h * U_h
        dweight = dweight.sum(axis=samples, keepdims=True)[..., 0, :]
        dA[..., k, :] += dweight * A[..., other, :]
        dA[..., other, :] += dweight * A[..., k, :]
    return dr, dh, dslope, drho, dA, dnorm


def _terms(risk, theta, per_sample):
    """Forward pass without noise, its `Terms`, A (..., o, m), ‖a_j‖² (..., 1, m)."""
    run = risk.run(theta, risk.net.no_noise)
    X, h, A = with_ones(run.kept[0]), run.h, run.A
    r = risk.of(run)[1].dF * risk.n
    if per_sample:  # every sample is a group of its own
        X, r, h = (array[..., None, :] for array in (X, r, h))
        A = A[..., None, :, :]
    slope, rho = risk.net.activation.slope(h), r @ A
    norm = (A * A).sum(axis=-2, keepdims=True)
    P, Omega = slope * rho, slope * norm * h
    return run, Terms(X, r, h, slope, rho, P, Omega), A, norm


def _coefficients(moments, h, per_sample):
    """(Co)variances of q and qη, and Var(q_j η_l) = E q² E η².

    The sum over pairs runs over l = j too, so that term leaves the variance of qη.
    """
    v, third, fourth = (per_replica(one, h, axes=2 + per_sample) for one in moments)
    c3 = (1 + v) * v
    return v, v + third, v + 2 * third + fourth - v * v - c3, c3


def _gram(a, b):
    """Σ_j a_ij b_i′j for all pairs of samples."""
    return a @ transpose(b)


def _output_pairs(A):
    """k, k′ ≥ k, the weight a_kj a_k′j (..., 1, m), how often the pair counts."""
    outputs = A.shape[-2]
    for k in range(outputs):
        for other in range(k, outputs):
            weight = (A[..., k, :] * A[..., other, :])[..., None, :]
            yield k, other, weight, 1 if k == other else 2


def _rows(terms):
    """Rows of the Gram matrices to take at a time."""
    g = terms.h.shape[-2]
    return chunks(g, 10 * terms.h[..., 0].size)
