"""What comes back: from functions that are a user's own, and from steps of training."""

import math

from refimpl.arrays.backend import get_xp, to_numpy


def check_values(values, masks):
    """What a function of the noise returned: one value per mask, on the first axis."""
    shape = getattr(values, "shape", ())
    if shape[:1] != (masks,):
        raise ValueError(
            f"fn must return one value per mask, shape ({masks}, ...), got "
            f"{shape if shape else repr(values)}"
        )
    return values


def check_in_place(returned):
    """Raise ``ValueError`` unless an optimizer's update returned nothing."""
    if returned is not None:
        raise ValueError(
            "optimizer.start(theta) must give a function that changes theta in place "
            f"and returns None, got {type(returned).__name__}"
        )


def not_finite(losses, looked, rate, theta=None):
    """Message, and number of finite losses, if one since step `looked` is not finite.

    ``None`` where all are, and the last `theta`, if given, too.
    """
    recent = to_numpy(losses[looked:])
    recent = recent.reshape(len(recent), math.prod(losses.shape[1:]))
    bad = ~get_xp(recent).isfinite(recent)
    if bad.any():
        step, replica = (int(index) for index in get_xp(recent).argwhere(bad)[0])
        if not isinstance(rate, float):
            rate = float(to_numpy(rate).reshape(-1)[replica])
        before = f", loss one step before {recent[step - 1, replica]:.6g}"
        message = (
            f"loss is {recent[step, replica]} at step {looked + step} with learning "
            f"rate {rate:g} (replica {replica}{before if step else ''})"
        )
        return message, looked + step
    if theta is not None and not get_xp(theta).isfinite(theta).all():
        last = len(losses)
        message = f"theta is not finite after the last step, {last}, "
        return message + f"with learning rate {rate}", last
    return None
