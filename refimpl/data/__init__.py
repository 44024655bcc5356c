"""What the networks learn: targets, teachers, handwritten digits, MNIST.

All that comes from here is NumPy arrays: X (n, d), with Y (n, o) or labels (n,). What
is drawn at random is drawn from a generator that is passed in. `targets` and `teachers`
hold the paper's functions, `images` the digits that are shipped; `mnist_files` reads
MNIST from a folder, and `download` fetches it there, which nothing does unasked. This
room may import `arrays` and `core`. Its users call it ``refimpl.datasets``.
"""

from refimpl.data.images import Images, digits, one_hot
from refimpl.data.mnist_files import mnist
from refimpl.data.targets import relu_pair, tanh_pair
from refimpl.data.teachers import teacher

__all__ = [
    "Images",
    "digits",
    "mnist",
    "one_hot",
    "relu_pair",
    "tanh_pair",
    "teacher",
]
