"""What a transformer is made of: embedding, layer normalisation, attention."""

from refimpl.arrays.backend import get_xp, transpose
from refimpl.core.dense import Dense
from refimpl.layers.composite import Stage, Tokenwise

SMALLEST = 1e-5  # added to the variance of a token by `LayerNorm`


class Embedding(Tokenwise):
    """W x_t + p_t: a linear map of each token x_t and a vector of its position.

    The parameters are (W, p), W (..., width, features) and p (..., tokens, width).

    Equation: eq:embedding
    """

    def __init__(self, tokens, features, width):
        super().__init__(tokens, Dense(features, width, "identity"))
        self.shapes = ((width, features), (tokens, width))

    def run(self, parameters, x):
        """The tokens embedded."""
        W, p = parameters
        return self._together(self._apart(x) @ transpose(W)) + _row(p), None

    def backward(self, parameters, x, memory, dh):
        """Derivatives for (W, p) and x, given that for the outputs."""
        W, _ = parameters
        dz = self._apart(dh)
        dW = transpose(dz) @ self._apart(x)
        return (dW, self._table(dh)), self._together(dz @ W)

    def push(self, parameters, x, memory, parameters_push, x_push):
        """The derivative of the outputs."""
        (W, _), (V, p_push) = parameters, parameters_push
        z_push = self._apart(x) @ transpose(V) + self._apart(x_push) @ transpose(W)
        return None, self._together(z_push) + _row(p_push)

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        (W, _), (V, _) = parameters, parameters_push
        x, dz, x_push, dz_push = map(self._apart, (x, dh, x_push, dh_push))
        dW_push = transpose(dz_push) @ x + transpose(dz) @ x_push
        passed = map(self._together, (dz_push @ W + dz @ V, dz @ W))
        return (dW_push, self._table(dh_push)), *passed

    def _table(self, dh):
        """Sum over samples, a row for each token."""
        return dh.sum(axis=-2).reshape(dh.shape[:-2] + self.shapes[1])


def _row(p):
    """A table (..., tokens, width) as one row (..., 1, tokens · width)."""
    return p.reshape(p.shape[:-2] + (1, p.shape[-2] * p.shape[-1]))


class LayerNorm:
    """(1 + g) u + b, u the token less its mean, over its standard deviation.

    The parameters are (g, b), each (..., width), so that all 0 normalises alone.

    Equation: eq:layer-norm
    """

    def __init__(self, width):
        self.inputs = self.width = width
        self.shapes = ((width,), (width,))

    def run(self, parameters, x):
        """Outputs, and (u, s), s the standard deviation."""
        g, b = parameters
        centred = x - _mean(x)
        s = get_xp(x).sqrt(_mean(centred * centred) + SMALLEST)
        u = centred / s
        return (1 + g[..., None, :]) * u + b[..., None, :], (u, s)

    def backward(self, parameters, x, memory, dh):
        """Derivatives for (g, b) and x, given that for the outputs."""
        (g, _), (u, s) = parameters, memory
        du = dh * (1 + g[..., None, :])
        dx = (du - _mean(du) - u * _mean(du * u)) / s
        return ((dh * u).sum(axis=-2), dh.sum(axis=-2)), dx

    def push(self, parameters, x, memory, parameters_push, x_push):
        """(u̇, ṡ), and the derivative of the outputs."""
        (g, _), (u, s), (g_push, b_push) = parameters, memory, parameters_push
        s_push = _mean(u * x_push)
        u_push = (x_push - _mean(x_push) - u * s_push) / s
        h_push = g_push[..., None, :] * u + (1 + g[..., None, :]) * u_push
        return (u_push, s_push), h_push + b_push[..., None, :]

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        (g, _), (u, s), (g_push, _) = parameters, memory, parameters_push
        u_push, s_push = z_push
        du = dh * (1 + g[..., None, :])
        du_push = dh_push * (1 + g[..., None, :]) + dh * g_push[..., None, :]
        along = _mean(du * u)
        dx = (du - _mean(du) - u * along) / s
        change = du_push - _mean(du_push) - u_push * along
        change = change - u * _mean(du_push * u + du * u_push)
        dg_push = (dh_push * u + dh * u_push).sum(axis=-2)
        return (dg_push, dh_push.sum(axis=-2)), (change - dx * s_push) / s, dx


class Mixing:
    """softmax(Q Kᵀ/√k) V of every head: tokens (q, k, v) to tokens of mixed values.

    Without parameters: x (..., n, tokens · 3 width). Equation: eq:attention
    """

    shapes = ()

    def __init__(self, tokens, width, heads):
        self.tokens, self.heads, self.each = tokens, heads, width // heads
        self.inputs, self.width = 3 * tokens * width, tokens * width
        self.elements = self.width + heads * tokens**2

    def run(self, parameters, x):
        """Outputs, and Q, K, V and the weights P of all heads."""
        Q, K, V = self._split(x)
        S = Q @ transpose(K)
        S = S - S.real.max(axis=-1, keepdims=True)  # so that nothing overflows
        P = get_xp(S).exp(S)
        P = P / _total(P)
        return self._joined(P @ V), (Q, K, V, P)

    def backward(self, parameters, x, memory, dh):
        """No parameters, and the derivative for x."""
        Q, K, V, P = memory
        dZ = self._heads(dh)
        dS = _through_softmax(P, dZ @ transpose(V))
        return (), self._merged(dS @ K, transpose(dS) @ Q, transpose(P) @ dZ)

    def push(self, parameters, x, memory, parameters_push, x_push):
        """Derivatives of Q, K, V and P, and of the outputs."""
        Q, K, V, P = memory
        Q_push, K_push, V_push = self._split(x_push)
        P_push = _through_softmax(P, Q_push @ transpose(K) + Q @ transpose(K_push))
        h_push = self._joined(P_push @ V + P @ V_push)
        return (Q_push, K_push, V_push, P_push), h_push

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        (Q, K, V, P), (Q_push, K_push, V_push, P_push) = memory, z_push
        dZ, dZ_push = self._heads(dh), self._heads(dh_push)
        dP = dZ @ transpose(V)
        dP_push = dZ_push @ transpose(V) + dZ @ transpose(V_push)
        dS = _through_softmax(P, dP)
        dS_push = _through_softmax(P, dP_push) + P_push * (dP - _total(dP * P))
        dS_push = dS_push - P * _total(dP * P_push)
        dx_push = self._merged(
            dS_push @ K + dS @ K_push,
            transpose(dS_push) @ Q + transpose(dS) @ Q_push,
            transpose(P_push) @ dZ + transpose(P) @ dZ_push,
        )
        dx = self._merged(dS @ K, transpose(dS) @ Q, transpose(P) @ dZ)
        return (), dx_push, dx

    def _split(self, x):
        """Q over √k, K and V (..., n, heads, tokens, k)."""
        parts = x.reshape(x.shape[:-1] + (self.tokens, 3, self.heads, self.each))
        Q, K, V = (parts[..., i, :, :].swapaxes(-3, -2) for i in range(3))
        return Q * self.each**-0.5, K, V

    def _merged(self, dQ, dK, dV):
        """Transpose of `_split`."""
        parts = [one.swapaxes(-3, -2) for one in (dQ * self.each**-0.5, dK, dV)]
        merged = get_xp(dQ).stack(parts, axis=-3)
        return merged.reshape(merged.shape[:-4] + (self.inputs,))

    def _heads(self, dh):
        """(..., n, heads, tokens, k) of the outputs (..., n, tokens · width)."""
        shape = dh.shape[:-1] + (self.tokens, self.heads, self.each)
        return dh.reshape(shape).swapaxes(-3, -2)

    def _joined(self, Z):
        """Transpose of `_heads`."""
        return Z.swapaxes(-3, -2).reshape(Z.shape[:-3] + (self.width,))


def _total(x):
    """Sum over the last axis, as a product: `sum` is slow where rows are short."""
    ones = get_xp(x).ones((x.shape[-1], 1), dtype=x.dtype)
    return (x.reshape(-1, x.shape[-1]) @ ones).reshape(x.shape[:-1] + (1,))


def _mean(x):
    return _total(x) / x.shape[-1]


def _through_softmax(P, dP):
    """The Jacobian of softmax, which is symmetric, times dP. Equation: eq:attention"""
    return P * (dP - _total(P * dP))


class Attention(Stage):
    """Queries, keys and values of each token, mixed, and a linear map of what comes.

    Equation: eq:attention
    """

    def __init__(self, tokens, width, heads):
        super().__init__(
            Tokenwise(tokens, Dense(width, 3 * width, "identity")),
            Mixing(tokens, width, heads),
            Tokenwise(tokens, Dense(width, width, "identity")),
        )
