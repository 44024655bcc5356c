"""Training in JAX, as its users would at its best: the whole loop is one program.

The steps are a ``lax.scan`` under ``jit``, which gives its arguments away; replicas are
a ``vmap``. Masks are drawn with JAX's default keys, threefry: its other generator, rbg,
takes five times as long on a CPU.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.networks import KEEP, problem
from benchmarks.rows import Side

BETA1, BETA2, TINY = 0.9, 0.999, 1e-8


def half_mse(F, Y):
    """R_S of the outputs F, with the paper's ½."""
    return 0.5 * ((F - Y) ** 2).sum(-1).mean()


def hidden(parameters, X):
    W, b, _ = parameters
    return jnp.tanh(X @ W.T + b)


def risk(parameters, X, Y):
    return half_mse(hidden(parameters, X) @ parameters[-1].T, Y)


def dropout(parameters, key, X, Y):
    """R_S^drop with a mask per sample."""
    h = hidden(parameters, X)
    kept = jax.random.bernoulli(key, KEEP, h.shape)
    return half_mse(jnp.where(kept, h / KEEP, 0) @ parameters[-1].T, Y)


def penalised(parameters, key, X, Y):
    """R_S + R_1."""
    h, A = hidden(parameters, X), parameters[-1]
    r1 = (1 - KEEP) / (2 * KEEP) * ((h**2).mean(0) * (A**2).sum(0)).sum()
    return half_mse(h @ A.T, Y) + r1


def adam(rate, t, parameters, gradient, state):
    """A step of Adam; `state` is the two moments."""
    first, second = state
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradient)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g**2, second, gradient)
    size = rate * jnp.sqrt(1 - BETA2**t) / (1 - BETA1**t)
    parameters = jax.tree.map(
        lambda p, m, v: p - size * m / (jnp.sqrt(v) + TINY), parameters, first, second
    )
    return parameters, (first, second)


def descent(rate, t, parameters, gradient, state):
    """A step of gradient descent, which has no state."""
    return jax.tree.map(lambda p, g: p - rate * g, parameters, gradient), state


def program(case):
    """The training of a case: parameters (R, ...), keys (R,), X, Y → parameters."""
    loss = dropout if case.objective == "dropout" else penalised
    rule = partial(adam if case.adam else descent, case.rate)

    def train(parameters, key, X, Y):
        def step(carry, t):
            parameters, state = carry
            gradient = jax.grad(loss)(parameters, jax.random.fold_in(key, t), X, Y)
            return rule(t, parameters, gradient, state), None

        state = (jax.tree.map(jnp.zeros_like, parameters),) * 2 if case.adam else ()
        times = jnp.arange(1, case.steps + 1)
        return jax.lax.scan(step, (parameters, state), times)[0][0]

    many = jax.vmap(train, (0, 0, None, None)) if case.replicas > 1 else train
    return jax.jit(many, donate_argnums=0)


def scanned(case):
    """One program for all steps and replicas, compiled at the warm-up."""
    ours, theta = problem(case.widths, case.samples, case.replicas)
    X, Y = jnp.asarray(ours.X, jnp.float32), jnp.asarray(ours.Y, jnp.float32)
    start = ours.net.unpack(theta if case.replicas > 1 else theta[0])
    keys = jax.random.split(jax.random.key(0), case.replicas)
    keys = keys if case.replicas > 1 else keys[0]
    train = program(case)

    def work():
        parameters = [jnp.array(values) for values in start]
        return jax.block_until_ready(train(parameters, keys, X, Y))

    def loss(parameters):
        if case.replicas == 1:
            return float(risk(parameters, X, Y))
        return float(np.mean(jax.vmap(risk, (0, None, None))(parameters, X, Y)))

    return Side(work, loss, scale=1 / case.steps)
