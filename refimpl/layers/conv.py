"""Convolution as one product: windows of the image times the filters."""

from refimpl.arrays.backend import get_xp, transpose
from refimpl.arrays.checks import check_name
from refimpl.core.activations import ACTIVATIONS

SIDE = 3  # of a filter; the image is padded with zeros and keeps its size


class Conv:
    """Filters of 3×3 on an image (h, w, c): a `Dense` of every window.

    The parameters are (W, b), W (..., filters, 9 c) with the channels of a window last,
    and b (..., filters). Of the `first` layer nothing asks for the derivative for x,
    and it passes ``None`` on.

    Equation: eq:conv
    """

    def __init__(self, h, w, c, filters, activation, first=False):
        self.image, self.filters, self.first = (h, w, c), filters, first
        self.shapes = ((filters, SIDE * SIDE * c), (filters,))
        self.inputs, self.width = h * w * c, h * w * filters
        self.elements = self.width + SIDE**2 * self.inputs
        self.activation = check_name("activation", activation, ACTIVATIONS)

    def run(self, parameters, x):
        """h (..., n, h · w · filters), and the windows with the activations."""
        (W, b), windows = parameters, self._windows(x)
        z = windows @ transpose(W)
        z += b[..., None, :]
        h = self.activation.value(z)
        return self._images(h), (windows, h)

    def backward(self, parameters, x, memory, dh):
        """Derivatives for (W, b) and x, given that for the outputs."""
        (W, _), (windows, h) = parameters, memory
        dz = self._rows(dh) * self.activation.slope(h)
        dx = None if self.first else self._back(dz, W)
        return (transpose(dz) @ windows, _sum(dz)), dx

    def push(self, parameters, x, memory, parameters_push, x_push):
        """(windows of ẋ, ż), and the derivative of the outputs."""
        (W, _), (windows, h), (V, c) = parameters, memory, parameters_push
        moved = self._windows(x_push)
        z_push = windows @ transpose(V) + c[..., None, :] + moved @ transpose(W)
        return (moved, z_push), self._images(self.activation.slope(h) * z_push)

    def backward_push(
        self, parameters, x, memory, dh, parameters_push, x_push, z_push, dh_push
    ):
        """Directional derivatives of `backward`, and δx."""
        (W, _), (windows, h), (V, _) = parameters, memory, parameters_push
        (moved, z_push), slope = z_push, self.activation.slope(h)
        dh, dh_push = self._rows(dh), self._rows(dh_push)
        dz = dh * slope
        dz_push = dh_push * slope + dh * self.activation.curvature(h) * z_push
        dW_push = transpose(dz_push) @ windows + transpose(dz) @ moved
        dx_push = dx = None
        if not self.first:
            dx_push = self._back(dz_push, W) + self._back(dz, V)
            dx = self._back(dz, W)
        return (dW_push, _sum(dz_push)), dx_push, dx

    def _rows(self, x):
        """(..., n · h · w, filters) of (..., n, h · w · filters)."""
        rows = x.shape[-2] * x.shape[-1] // self.filters
        return x.reshape(x.shape[:-2] + (rows, self.filters))

    def _images(self, rows):
        """(..., n, h · w · filters) of (..., n · h · w, filters)."""
        n = rows.shape[-2] * rows.shape[-1] // self.width
        return rows.reshape(rows.shape[:-2] + (n, self.width))

    def _windows(self, x):
        """Windows (..., n · h · w, 9 c) of the images, 0 beyond their edges."""
        h, w, c = self.image
        padded = self._padded(x)
        if c == 1:  # its runs would be too short
            corners = [(i, j) for i in range(SIDE) for j in range(SIDE)]
            views = [padded[..., i : i + h, j : j + w, :] for i, j in corners]
            windows = get_xp(x).concatenate(views, axis=-1)
        else:
            *lead, row, pixel, one = padded.strides
            shape = padded.shape[:-3] + (h, w, SIDE, SIDE * c)
            windows = _strided(padded, shape, (*lead, row, pixel, row, one))
        return windows.reshape(x.shape[:-2] + (x.shape[-2] * h * w, SIDE * SIDE * c))

    def _back(self, dz, W):
        """δx of δz = W δu: convolved by the filters upside down, a row at a time."""
        h, w, c = self.image
        padded, row = self._padded(self._images(dz)), SIDE * self.filters
        shape = padded.shape[:-3] + (h + 2, w, row)
        rows = get_xp(dz).ascontiguousarray(_strided(padded, shape, padded.strides))
        turned = W.reshape(W.shape[:-1] + (SIDE * SIDE, c))[..., ::-1, :]
        turned = turned.swapaxes(-3, -2).reshape(W.shape[:-2] + (1, SIDE, row, c))
        shape = rows.shape[:-3] + (h * w, row)
        dx = rows[..., :h, :, :].reshape(shape) @ turned[..., 0, :, :]
        for i in range(1, SIDE):
            dx += rows[..., i : i + h, :, :].reshape(shape) @ turned[..., i, :, :]
        return dx.reshape(dx.shape[:-2] + (self.inputs,))

    def _padded(self, x):
        """Images (..., n, h + 2, w + 2, channels) with zeros around them."""
        h, w, _ = self.image
        lead, channels = x.shape[:-1], x.shape[-1] // (h * w)
        padded = get_xp(x).zeros(lead + (h + 2, w + 2, channels), dtype=x.dtype)
        padded[..., 1:-1, 1:-1, :] = x.reshape(lead + (h, w, channels))
        return padded


def _sum(rows):
    """Sum over rows, as a product: `sum` is slow where rows are short."""
    ones = get_xp(rows).ones((1, rows.shape[-2]), dtype=rows.dtype)
    return (ones @ rows)[..., 0, :]


def _strided(padded, shape, strides):
    """View of `padded` whose entries overlap: the pixels of a window lie in runs."""
    return get_xp(padded).lib.stride_tricks.as_strided(padded, shape, strides)
