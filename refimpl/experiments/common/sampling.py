"""Sample sizes."""

import numpy as np


def doublings(limit):
    """1, 2, 4, ... up to `limit`: sample sizes at which a mean is looked at."""
    return 2 ** np.arange(0, int(np.log2(limit)) + 1)
