"""What the networks learn: targets, teachers, digits, MNIST, CIFAR-10.

All that comes from here is NumPy arrays: X (n, d), with Y (n, o) or labels (n,). What
is drawn at random is drawn from a generator that is passed in. `targets` and `teachers`
hold the paper's functions, `images` the digits that are shipped; `mnist_files` reads
MNIST from a folder and `cifar_files` CIFAR-10; `download` fetches MNIST there, which
nothing does unasked. This room may import `arrays` and `core`. Its users call it
``refimpl.datasets``.
"""

from refimpl.data.cifar_files import cifar10
from refimpl.data.images import Images, digits, one_hot
from refimpl.data.mnist_files import mnist
from refimpl.data.targets import relu_pair, tanh_pair
from refimpl.data.teachers import teacher

__all__ = [
    "Images",
    "cifar10",
    "digits",
    "mnist",
    "one_hot",
    "relu_pair",
    "tanh_pair",
    "teacher",
]
