"""Minima of R_S, R_S^drop and R_S + R_1, and how flat R_S is there (Figure 12)."""

from refimpl import L1, Dropout
from refimpl import hessian_trace, loss_along, normalize_filters, top_eigenvalues
from refimpl.experiments.common import features, lines
from refimpl.experiments.common.classification import accuracy

OBJECTIVES = ("R_S", "R_S^drop", "R_S + R_1", "R_S^drop, all layers")


def trained(context, config, risk, name, optimizer, seed, snapshots=()):
    """θ of one network after each of the steps `snapshots` and at the end, in float64:
    the starts of a seed are the same for all `OBJECTIVES`, the masks of each sample."""
    drop = Dropout(config.keep, True, "all" if name.endswith("all layers") else "last")
    history = context.train(
        L1(risk, config.keep) if name == "R_S + R_1" else risk,
        features.start(risk.net, None, context, [seed])[0],
        optimizer,
        config.steps,
        drop if name.startswith("R_S^drop") else None,
        rng=context.noise("noise", seed),
        snapshots=snapshots,
    )
    return [theta.astype(float) for theta in (*history.snapshots, history.theta)]


def measured(context, config, risk, data, theta, seed):
    """What is measured of R_S at θ, dropout off, and of the test images.

    Probes and directions are the same for all minima of a seed, so that they can be
    compared in pairs.

    Returns
    -------
    dict
        ``trace`` of the Hessian and its standard error ``trace_error``, ``top``, its
        largest eigenvalue, ``loss``, ``accuracy``; ``line`` (D, A), R_S along random
        directions at `lines.ALPHAS`, whole layers as filters.
    """
    rng, net = context.noise("measure", seed), risk.net
    trace = hessian_trace(risk, theta, probes=config.probes, rng=rng)
    top = top_eigenvalues(risk, theta, tolerance=1e-3, rng=rng)[0]
    gaussian = rng.standard_normal((config.directions, net.size))
    direction = normalize_filters(net, gaussian, theta)
    return {
        "trace": trace.mean,
        "trace_error": trace.standard_error,
        "top": top,
        "loss": risk(theta),
        "accuracy": accuracy(net, theta, data),
        "line": loss_along(risk, theta, direction, lines.ALPHAS).T,
    }


def factors(arrays):
    """How many times smaller than at the minimum of R_S, the first of the last axis,
    are rise along directions, trace and largest eigenvalue: by name."""
    rise = lines.rise(arrays["line"], arrays["loss"])
    measures = {"rise": rise, "trace": arrays["trace"], "top": arrays["top"]}
    return {name: values[..., :1] / values for name, values in measures.items()}
