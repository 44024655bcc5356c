"""What does not fit the memory is refused before it starts.

A system hands out memory that it has not got, and ends the process where it is used.
The numbers of arrays that callers name are what is held at least, so nothing that fits
is refused.
"""

from math import prod

from refimpl.arrays.backend import get_xp, on_device

UNSEEN = 2**27  # bytes of which nobody asks whether they are free


def check_memory(name, risk, theta, arrays, lead=None):
    """Raise ``MemoryError`` unless `arrays` over samples and neurons fit.

    Parameters
    ----------
    name : str
        What needs them, for the message.
    risk : Risk
        Of a network and n samples.
    theta : (..., P)
    arrays : int
    lead : tuple of int, optional
        Replica axes: those of the noise, where θ has fewer.
    """
    # Of what the layers of other networks compute, half is let go at once.
    neurons = getattr(risk.net, "elements", 2 * sum(risk.net.hidden)) // 2
    networks = prod(theta.shape[:-1] if lead is None else lead)
    elements = arrays * networks * risk.n * neurons
    if elements * theta.dtype.itemsize > UNSEEN:  # no text for a small step
        many = f"{networks:,} networks with " if networks > 1 else ""
        work = f"{name}, {many}{risk.n:,} samples and {neurons:,} neurons,"
        check_fits(work, elements, theta)


def check_fits(name, elements, array):
    """Raise ``MemoryError`` unless so many `elements` such as those of `array` fit."""
    needed = elements * array.dtype.itemsize
    if needed > UNSEEN and needed > (free := free_bytes(array)):
        raise MemoryError(
            f"{name} needs at least {needed / 2**30:.3g} GiB in {array.dtype}, "
            f"and {free / 2**30:.3g} GiB are free"
        )


def free_bytes(array):
    """Bytes that are free where `array` is, on a device or the host."""
    if on_device(array):
        xp = get_xp(array)
        kept = xp.get_default_memory_pool().free_bytes()
        return xp.cuda.runtime.memGetInfo()[0] + kept
    import psutil  # not where nobody asks: the science starts with NumPy alone

    return psutil.virtual_memory().available
