"""Training steps: `cases` are the networks, `ours` and `peers` train them."""

from functools import partial

from benchmarks.rows import Row
from benchmarks.training.cases import CASES
from benchmarks.training.ours import Ours, products


def _peer(case, name):
    from benchmarks.training.peers import PEERS

    return PEERS[name](case)


def _matrix_products(case, found, turns):
    alone, rate = products(case, turns)
    share = alone / found["ours"]["seconds"]
    text = f"    {share:.0%} matrix products, at {rate:.0%} of sgemm's rate"
    return {"product_share": share, "product_rate": rate}, [text]


def _row(case):
    return Row(
        case.name,
        "loss",
        partial(Ours, case),
        {name: partial(_peer, case, name) for name in case.peers},
        dict(zip(case.peers, case.goal)),
        None if case.adam else partial(_matrix_products, case),
    )


ROWS = tuple(map(_row, CASES))
