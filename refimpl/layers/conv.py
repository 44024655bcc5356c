"""Convolution as one product: windows of the image times the filters."""

from refimpl.arrays.backend import get_xp
from refimpl.core.dense import Dense

SIDE = 3  # of a filter; the image is padded with zeros and keeps its size


class Conv:
    """Filters of 3×3 on an image (h, w, c): a `Dense` of every window.

    The parameters are (W, b), W (..., filters, 9 c) with the channels of a window last,
    and b (..., filters).

    Equation: eq:conv
    """

    def __init__(self, h, w, c, filters, activation):
        self.image = h, w, c
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
        gradient, dwindows = self.dense.backward(parameters, *memory, self._rows(dh))
        return gradient, self._scattered(dwindows)

    def push(self, parameters, x, memory, parameters_push, x_push):
        """(windows of ẋ, ż), and the derivative of the outputs."""
        moved = self._windows(x_push)
        z_push, h_push = self.dense.push(parameters, *memory, parameters_push, moved)
        return (moved, z_push), self._images(h_push)

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`."""
        along = parameters_push, *z_push, self._rows(dh_push)
        found, dwindows_push = self.dense.backward_push(
            parameters, *memory, self._rows(dh), *along
        )
        return found, self._scattered(dwindows_push)

    def _rows(self, x):
        """(..., n · h · w, filters) of (..., n, h · w · filters)."""
        filters = self.dense.width
        rows = x.shape[-2] * x.shape[-1] // filters
        return x.reshape(x.shape[:-2] + (rows, filters))

    def _images(self, rows):
        """(..., n, h · w · filters) of (..., n · h · w, filters)."""
        n = rows.shape[-2] * rows.shape[-1] // self.width
        return rows.reshape(rows.shape[:-2] + (n, self.width))

    def _windows(self, x):
        """Windows (..., n · h · w, 9 c) of the images, 0 beyond their edges."""
        h, w, c = self.image
        xp, lead = get_xp(x), x.shape[:-1]
        padded = xp.zeros(lead + (h + 2, w + 2, c), dtype=x.dtype)
        padded[..., 1:-1, 1:-1, :] = x.reshape(lead + (h, w, c))
        corners = [(i, j) for i in range(SIDE) for j in range(SIDE)]
        views = [padded[..., i : i + h, j : j + w, :] for i, j in corners]
        windows = xp.concatenate(views, axis=-1)
        return windows.reshape(lead[:-1] + (lead[-1] * h * w, SIDE * SIDE * c))

    def _scattered(self, windows):
        """Transpose of `_windows`: what the windows hold, added up pixel by pixel."""
        h, w, c = self.image
        lead = windows.shape[:-2] + (windows.shape[-2] // (h * w),)
        windows = windows.reshape(lead + (h, w, SIDE, SIDE, c))
        padded = get_xp(windows).zeros(lead + (h + 2, w + 2, c), dtype=windows.dtype)
        for i in range(SIDE):
            for j in range(SIDE):
                padded[..., i : i + h, j : j + w, :] += windows[..., i, j, :]
        return padded[..., 1:-1, 1:-1, :].reshape(lead + (self.inputs,))
