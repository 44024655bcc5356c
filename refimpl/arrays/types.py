"""Names for type hints. Shapes are in the docstrings: the type system has no words.

An array is NumPy's or CuPy's, which share no base class, so `Array` is any type to a
checker and a word to a reader.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

Array: TypeAlias = Any
ArrayLike: TypeAlias = Any  # an array, or nested sequences of numbers
Generator: TypeAlias = Any  # NumPy's or CuPy's random generator, or the seed of one
Generators: TypeAlias = Generator | Sequence[Generator]  # one, or one per replica
Std: TypeAlias = float | Sequence[float] | None  # of all layers, one per layer
PerReplica: TypeAlias = float | Array  # one number, or an array of one per replica
Noise: TypeAlias = Array | tuple[Array | None, ...] | None  # η
Factors: TypeAlias = tuple[Array | None, ...]  # q = 1 + η, one entry per hidden layer
Update: TypeAlias = Callable[[Array], None]  # moves θ in place, given its gradient


@runtime_checkable
class Optimizer(Protocol):
    """What training takes: GD, Adam, or what is made of them."""

    @property
    def learning_rate(self) -> PerReplica: ...
    def start(self, theta: Array) -> Update: ...
