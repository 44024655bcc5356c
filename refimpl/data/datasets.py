"""Old address of `refimpl.data`, for the experiments that still import from it."""

from refimpl.data import Images, digits, mnist, one_hot, relu_pair, tanh_pair, teacher

__all__ = ["Images", "digits", "mnist", "one_hot", "relu_pair", "tanh_pair", "teacher"]
