"""Convolution as one product: windows of the image times the filters."""

from refimpl.arrays.backend import get_xp, transpose
from refimpl.core.dense import Dense

SIDE = 3  # of a filter; the image is padded with zeros and keeps its size


class Conv:
    """Filters of 3×3 on an image (h, w, c): a `Dense` of every window.

    The parameters are (W, b), W (..., filters, 9 c) with the channels of a window last,
    and b (..., filters). Of the `first` layer nothing asks for the derivative for x,
    and it passes ``None`` on.

    Equation: eq:conv
    """

    def __init__(self, h, w, c, filters, activation, first=False):
        self.image, self.first = (h, w, c), first
        self.dense = Dense(SIDE * SIDE * c, filters, activation)
        self.shapes = self.dense.shapes
        self.inputs, self.width = h * w * c, h * w * filters

    def run(self, parameters, x):
        """h (..., n, h · w · filters), and the windows with the activations."""
        windows = self._windows(x)
        h, _ = self.dense.run(parameters, windows)
        return self._images(h), (windows, h)

    def backward(self, parameters, x, memory, dh):
        """Derivatives for (W, b) and x, given that for the outputs."""
        (W, _), (windows, h) = parameters, memory
        dz = self._rows(dh) * self.dense.activation.slope(h)
        dx = None if self.first else self._images(self._around(dz) @ _turned(W))
        return (transpose(dz) @ windows, _sum(dz)), dx

    def push(self, parameters, x, memory, parameters_push, x_push):
        """(windows of ẋ, ż), and the derivative of the outputs."""
        moved = self._windows(x_push)
        z_push, h_push = self.dense.push(parameters, *memory, parameters_push, moved)
        return (moved, z_push), self._images(h_push)

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        (W, _), (windows, h), (V, _) = parameters, memory, parameters_push
        (moved, z_push), sigma = z_push, self.dense.activation
        dh, dh_push, slope = self._rows(dh), self._rows(dh_push), sigma.slope(h)
        dz = dh * slope
        dz_push = dh_push * slope + dh * sigma.curvature(h) * z_push
        dW_push = transpose(dz_push) @ windows + transpose(dz) @ moved
        dx_push = dx = None
        if not self.first:
            around, W, V = self._around(dz), _turned(W), _turned(V)
            dx = self._images(around @ W)
            dx_push = self._images(self._around(dz_push) @ W + around @ V)
        return (dW_push, _sum(dz_push)), dx_push, dx

    def _rows(self, x):
        """(..., n · h · w, filters) of (..., n, h · w · filters)."""
        filters = self.dense.width
        return x.reshape(x.shape[:-2] + (x.shape[-2] * x.shape[-1] // filters, filters))

    def _images(self, rows):
        """(..., n, h · w · channels) of (..., n · h · w, channels)."""
        h, w, _ = self.image
        lead, count, channels = rows.shape[:-2], *rows.shape[-2:]
        return rows.reshape(lead + (count // (h * w), h * w * channels))

    def _around(self, dz):
        """Windows of δz: all the windows in which a pixel lies."""
        return self._windows(self._images(dz))

    def _windows(self, x):
        """Windows (..., n · h · w, 9 channels) of the images, 0 beyond their edges."""
        h, w, _ = self.image
        xp, lead = get_xp(x), x.shape[:-1]
        c = x.shape[-1] // (h * w)
        padded = xp.zeros(lead + (h + 2, w + 2, c), dtype=x.dtype)
        padded[..., 1:-1, 1:-1, :] = x.reshape(lead + (h, w, c))
        corners = [(i, j) for i in range(SIDE) for j in range(SIDE)]
        views = [padded[..., i : i + h, j : j + w, :] for i, j in corners]
        windows = xp.concatenate(views, axis=-1)
        return windows.reshape(lead[:-1] + (lead[-1] * h * w, SIDE * SIDE * c))


def _turned(W):
    """Filters by which δz is convolved to δx: upside down, inputs for outputs."""
    filters, each = W.shape[-2:]
    W = W.reshape(W.shape[:-1] + (SIDE * SIDE, each // SIDE**2))[..., ::-1, :]
    return W.swapaxes(-3, -2).reshape(W.shape[:-3] + (SIDE * SIDE * filters, -1))


def _sum(rows):
    """Sum over rows, as a product: `sum` takes short rows one by one."""
    ones = get_xp(rows).ones((1, rows.shape[-2]), dtype=rows.dtype)
    return (ones @ rows)[..., 0, :]
