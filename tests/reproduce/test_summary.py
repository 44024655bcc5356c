"""What all claims together say."""

from dataclasses import replace

import numpy as np
import pytest
from small_experiments import NAMES, records

from refimpl.reproduce import summary

UP, DOWN, NEAR, FEW = records(NAMES[0])

HOLM = {
    # Holm (1979): 0.01 ≤ 0.05/3, 0.02 ≤ 0.05/2, 0.04 ≤ 0.05
    (0.04, 0.01, 0.02): (True, True, True),
    # 0.03 > 0.05/3: it is over before 0.005 would have gone on to 0.04
    (0.01, 0.04, 0.03, 0.005): (True, False, False, True),
    # 0.02 > 0.05/3 holds up those that 0.05/2 and 0.05 would let pass
    (0.02, 0.021, 0.022): (False, False, False),
    (0.05,): (True,),
    (0.051,): (False,),
    (): (),
}


@pytest.mark.parametrize("p", HOLM)
def test_holm_rejects_step_by_step(p):
    assert tuple(summary.holm(p)) == HOLM[p]


def test_holm_seldom_rejects_anything_true():
    """Of 1,000 families of 10 true hypotheses about 5% have a rejection."""
    p = np.random.default_rng(0).random((1000, 10))
    wrong = np.mean([summary.holm(one).any() for one in p])
    naive = np.mean((p < 0.05).any(axis=1))
    assert abs(wrong - 0.05) < 4 * (0.05 * 0.95 / 1000) ** 0.5
    assert naive > 0.3


def test_the_correction_counts_all_that_were_tested_and_names_what_is_lost():
    claims = [replace(UP, id=f"c{k}", p=p) for k, p in enumerate([1e-4, 0.02, 0.001])]
    claims.append(replace(DOWN, id="refuted", p=0.9))
    claims.append(replace(UP, id="counted", p=None))
    assert summary.correction(claims) == (
        "With a p-value: 4 claims, 3 of them supported, 3 after Holm's correction for "
        "their number at 5%. Of 1 refuted 0 are left."
    )
    claims.append(replace(DOWN, id="refuted too", p=0.8))  # 0.02 > 0.05/3
    assert summary.correction(claims) == (
        "With a p-value: 5 claims, 3 of them supported, 2 after Holm's correction for "
        "their number at 5%, not c1. Of 2 refuted 0 are left."
    )
    claims[-1] = replace(DOWN, id="refuted too", p=1 - 1e-6)
    assert summary.correction(claims).endswith("Of 2 refuted 1 are left.")


def test_without_p_values_there_is_nothing_to_correct():
    assert summary.correction([FEW]) == "No claim has a p-value."


def test_rules_found_while_exploring_are_counted():
    assert summary.exploration([UP, DOWN, NEAR]) == (
        "Rules: 2 fixed before anything was measured, 1 found while exploring."
    )


def test_verdicts_are_counted_in_their_order():
    other = replace(FEW, detail="training ran off")
    assert summary.counts([FEW, NEAR, UP, other, DOWN, UP]) == (
        "2 supported, 1 refuted, 1 undecided, 1 not attempted, 1 need --mnist"
    )


def test_only_what_was_attempted_is_compared():
    same = replace(UP, comparison="as documented")
    assert summary.comparison([same, same, FEW]) == "all as documented"
    different = replace(UP, comparison="decided differently")
    words = summary.comparison([same, different, UP, FEW])
    assert words.startswith("1 as documented, 1 decided differently, 1 not comparable")
    assert "with these seeds and data" in words
    assert summary.comparison([different]) == "1 decided differently"
    assert summary.comparison([]) == "nothing to compare"


def test_what_the_committed_run_decided_and_this_did_not_is_missing():
    same = [replace(one, comparison="as documented") for one in (UP, DOWN)]
    lost = replace(UP, verdict="not attempted", reference="supported")
    never = replace(FEW, verdict="not attempted", reference="not attempted")
    assert summary.comparison([*same, never]) == "all as documented"
    assert summary.comparison([*same, lost]) == "2 as documented, 1 missing"
    assert summary.comparison([lost, replace(lost, reference=None)]) == "1 missing"


def test_what_is_refuted_may_lie_beyond_either_end():
    """1 − p looks at one end only: twice it is held against the level."""
    near, clear = (replace(DOWN, id=f"p {p}", p=p) for p in (0.96, 0.99))
    assert summary.correction([near]).endswith("Of 1 refuted 0 are left.")
    assert summary.correction([clear]).endswith("Of 1 refuted 1 are left.")
