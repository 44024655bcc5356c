"""Random generators as arguments: one, one for each replica, or the seed of one."""

from numbers import Integral

from refimpl.arrays.backend import get_xp


def check_generator(rng, several=True):
    """Raise ``ValueError`` unless `rng` is a random generator, or `several`."""
    many = isinstance(rng, (list, tuple)) and several
    if many and not rng:
        raise ValueError(f"rng must be one random generator or several, got {rng!r}")
    for one in rng if many else [rng]:
        if not hasattr(one, "integers"):  # such as NumPy's legacy RandomState
            raise ValueError(
                "rng must be a random generator, as default_rng makes, or its seed, a "
                f"whole number from 0, got {one!r}"
            )


def as_generator(rng, xp=None, several=True):
    """`rng`, a random generator or `several`; a seed becomes one, of the module `xp`.

    NumPy's is meant where no module is given.
    """
    if isinstance(rng, (list, tuple)) and several:
        rng = [as_generator(one, xp, several=False) for one in rng]
    elif isinstance(rng, Integral) and not isinstance(rng, bool) and rng >= 0:
        return (xp or get_xp()).random.default_rng(int(rng))
    check_generator(rng, several)
    return rng


def check_generators(rng, lead, xp):
    """`rng` as `as_generator` makes it: one generator, or one for each replica."""
    if rng is None:
        raise ValueError("rng must be given for dropout or batches, got None")
    rng = as_generator(rng, xp)
    if isinstance(rng, (list, tuple)) and (len(rng),) != lead[:1]:
        raise ValueError(
            "rng must be one generator, or one for each entry of theta's first "
            f"replica axis, {lead[:1]}, got {len(rng)}"
        )
    return rng
