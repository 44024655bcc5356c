"""How objects show themselves: by the arguments with which they were made."""

import inspect
import re
from typing import ClassVar


class Shown:
    """Base of what has a `repr` of its name and arguments; of an array the shape.

    An argument is looked up under its own name, or that in `kept_as`, in the object or
    in its ``penalty``; what is not kept is three dots.
    """

    kept_as: ClassVar[dict[str, str]] = {}  # arguments with other names in the object

    def __repr__(self):
        kept = vars(vars(self).get("penalty", self)) | vars(self)
        names = inspect.signature(type(self)).parameters
        values = {name: kept.get(self.kept_as.get(name, name), ...) for name in names}
        shown = (f"{name}={_text(value)}" for name, value in values.items())
        return f"{type(self).__name__}({', '.join(shown)})"


def _text(value):
    if value is ...:
        return "..."
    if isinstance(value, type):  # an activation or a loss, by the word that names it
        return repr(re.sub("(?<=[a-z])(?=[A-Z][a-z])", "_", value.__name__).lower())
    if getattr(value, "ndim", 0):
        return f"array of shape {value.shape}"
    return repr(value)
