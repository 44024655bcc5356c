"""The command line: what it refuses, what it writes, what it keeps."""

import errno
import json
import shutil
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

import numpy as np
import pytest

from refimpl.core.training import Divergence
from refimpl.experiments.common import framework
from refimpl.reproduce import cli, expected_times, measure, record, selection
from refimpl.reproduce.environment import environment

FAST = "lemma1_mean_loss"


def run(*arguments):
    return cli.main(["--jobs=1", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Folder of one finished quick run."""
    out = tmp_path_factory.mktemp("results")
    assert run("--quick", "--quiet", "--seeds", 2, "--out", out, FAST) in (0, 1)
    return out


def test_a_run_writes_claims_arrays_and_figures(results):
    claims = json.loads((results / "claims.json").read_text())
    module = framework.load(FAST)
    assert [claim["id"] for claim in claims] == [claim.id for claim in module.CLAIMS]
    for claim in claims:
        assert claim["preset"] == "quick" and claim["seeds"] == 2
        assert claim["verdict"] in ("pass", "fail")
        assert {"statement", "source", "criterion", "measured"} <= claim.keys()
    for file in ("arrays.npz", f"{FAST}.png", f"{FAST}.pdf", f"{FAST}.svg"):
        assert (results / FAST / file).stat().st_size > 0
    assert not list(results.rglob(".*"))  # no temporary files


def test_a_second_run_reuses_the_arrays(results, monkeypatch):
    module = framework.load(FAST)
    monkeypatch.setattr(module, "run", lambda *_: pytest.fail("computed again"))
    files = [results / "claims.json", results / FAST / "run.json"]
    before = [file.read_text() for file in files]
    run("--quick", "--quiet", "--seeds", 2, "--out", results, FAST)
    assert [file.read_text() for file in files] == before


def test_a_run_is_recorded(results):
    made, problem = record.load(results / FAST)
    assert problem is None
    assert made["command"] == f"python reproduce.py --quick --seeds 2 {FAST}"
    assert made["computation"]["seconds"] > 0
    assert made["computation"]["environment"].keys() == environment(1).keys()
    assert {"name": "seeds", "value": 2, "paper": None} in made["settings"]
    assert {"name": "width", "value": 200, "paper": 1000} in made["settings"]
    assert [one["name"] for one in made["figures"]] == [FAST]


def test_a_record_of_another_result_tells_nothing_of_this_one(results):
    assert record.load_computation(results / FAST, "another key") is None


def test_there_is_a_report_after_every_experiment(results, tmp_path, monkeypatch):
    module = framework.load("r2_exact_vs_monte_carlo")

    def broken_off(config, context):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run", broken_off)
    out = shutil.copytree(results, tmp_path / "results")
    (out / "report.html").unlink()
    both = [FAST, "r2_exact_vs_monte_carlo"]
    assert run("--quick", "--quiet", "--seeds", 2, "--out", out, *both) == 130
    assert "claim-lemma1-loss" in (out / "report.html").read_text()
    assert "lemma1_mean_loss.png" in (out / "report.md").read_text()


def test_an_experiment_that_diverged_has_no_figures(tmp_path, monkeypatch):
    module = framework.load(FAST)

    def diverges(config, context):
        raise Divergence("R_S is not finite at step 3", None)

    monkeypatch.setattr(module, "run", diverges)
    assert run("--quick", "--quiet", "--out", tmp_path, FAST) == 0
    made, _ = record.load(tmp_path / FAST)
    assert made["figures"] == [] and made["computation"]["seconds"] >= 0
    assert "not finite at step 3" in (tmp_path / "report.html").read_text()


def test_other_settings_are_computed_again(results, monkeypatch):
    module = framework.load(FAST)

    def computed(config, context):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run", computed)
    before = (results / "claims.json").read_text()
    assert run("--quick", "--quiet", "--seeds", 3, "--out", results, FAST) == 130
    assert (results / "claims.json").read_text() == before


def test_damaged_arrays_are_named_and_computed_again(results, capsys):
    path = results / FAST / "arrays.npz"
    path.write_bytes(path.read_bytes()[:200])
    assert run("--quick", "--quiet", "--seeds", 2, "--out", results, FAST) in (0, 1)
    assert "arrays.npz is damaged" in capsys.readouterr().err


def test_damaged_claims_are_named_and_moved_aside(tmp_path, results, capsys):
    (results / "claims.json").write_text('[{"id": "cut')
    assert run("--quick", "--quiet", "--seeds", 2, "--out", results, FAST) in (0, 1)
    assert "claims.json is damaged" in capsys.readouterr().err
    assert json.loads((results / "claims.json").read_text())
    assert (results / "claims.damaged.json").exists()


def test_a_failed_claim_sets_the_exit_status(results, monkeypatch):
    module = framework.load(FAST)
    monkeypatch.setattr(
        module, "check", lambda arrays: [module.CLAIMS[0].result(False, 1.0)]
    )
    assert run("--quick", "--quiet", "--seeds", 2, "--out", results, FAST) == 1


def test_list_names_every_experiment_and_claim(capsys):
    assert run("--list") == 0
    printed = capsys.readouterr().out
    for name in framework.names():
        assert name in printed
        for claim in framework.load(name).CLAIMS:
            assert claim.id in printed
    assert "fig13_losses_compared [Figure 13] [Figure 14]" in printed
    assert printed.count("    time: quick ") == len(framework.names())


BAD = {
    "unknown experiment": (["fig04_condensatoin"], "fig04_condensation"),
    "no seeds": (["--seeds", "0"], "--seeds must be a positive integer, got 0"),
    "no jobs": (["--jobs", "0"], "--jobs must be a positive integer, got 0"),
    "negative seeds": (["--seeds", "-1"], "--seeds"),
    "seeds in words": (["--seeds", "many"], "positive integer, got many"),
    "missing mnist": (["--mnist", "/nowhere"], "--mnist: mnist folder /nowhere"),
    "both sizes": (["--quick", "--paper"], "not allowed with"),
    "unknown option": (["--fast"], "unrecognized arguments"),
    "unknown figure": (["fig99"], "no experiment 'fig99'; the nearest: "),
    "processes and cluster": (["--dask", "tcp://a:1"], "not allowed with"),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_bad_usage_is_refused_with_status_2(case, tmp_path, capsys):
    arguments, words = BAD[case]
    (tmp_path / "claims.json").write_text("[]\n")
    try:
        status = run("--out", tmp_path, *arguments)
    except SystemExit as stop:  # argparse
        status = stop.code
    assert status == 2
    assert words in capsys.readouterr().err
    assert (tmp_path / "claims.json").read_text() == "[]\n"


def test_an_output_folder_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    assert run("--quick", "--out", tmp_path / "file", FAST) == 2
    assert "--out must be a folder that can be written" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"


SELECTED = {
    "fig04": ["fig04_condensation"],
    "fig4": ["fig04_condensation"],
    "Figure 14": ["fig13_losses_compared"],
    "fig1b": ["fig01_simpler_and_flatter"],
    "fig12": ["fig12a_flat_minima"],
    "fig07": ["fig07_high_dimension", "fig07c_effective_ratio"],
    "fig7c": ["fig07c_effective_ratio"],
    "fig07c_effective_ratio": ["fig07c_effective_ratio"],
    "lemma1": ["lemma1_mean_loss"],
}


@pytest.mark.parametrize("word", SELECTED)
def test_experiments_are_found_by_name_and_by_figure(word):
    assert selection.select([word]) == SELECTED[word]


def test_what_is_wanted_twice_is_run_once():
    names = selection.select(["lemma1", "fig04", "lemma1_mean_loss"])
    assert names == ["lemma1_mean_loss", "fig04_condensation"]


def test_the_times_measured_are_those_of_experiments():
    times = expected_times.measured()
    assert times["machine"]
    for preset in framework.PRESETS:
        assert times[preset].keys() <= set(framework.names())
        assert all(seconds > 0 for seconds in times[preset].values())


def test_python_m_refimpl_is_the_same():
    printed = [
        subprocess.run(
            [sys.executable, *program, "--help"],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for program in (["reproduce.py"], ["-m", "refimpl"])
    ]
    assert printed[0] == printed[1] and "--quick" in printed[0]


def test_a_lost_worker_is_said_in_one_line(monkeypatch, tmp_path, capsys):
    def lost(session):
        raise BrokenExecutor("a process was terminated abruptly")

    monkeypatch.setattr(measure, "measure", lost)
    assert run("--quick", "--out", tmp_path, FAST) == 1
    assert "a worker was lost" in capsys.readouterr().err


def test_quiet_prints_the_table_only(results, capsys):
    run("--quick", "--quiet", "--seeds", 2, "--out", results, FAST)
    captured = capsys.readouterr()
    assert captured.err == "" and captured.out.startswith("PASS  lemma1-loss")


@pytest.mark.parametrize("full", ["savez_compressed", "write_text", "write_bytes"])
def test_a_full_disk_ends_with_one_line_and_nothing_half_written(
    full, tmp_path, capsys, monkeypatch
):
    owner = np if full == "savez_compressed" else Path

    def half(place, *_, **__):
        if isinstance(place, Path):
            place.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    command = ("--quick", "--quiet", "--seeds", 2, "--out", tmp_path, FAST)
    with monkeypatch.context() as patch:
        patch.setattr(owner, full, half)
        assert run(*command) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and f"cannot be written to {tmp_path} (No space" in err
    assert not list(tmp_path.rglob(".*"))  # no temporary files
    assert run(*command) in (0, 1)
    assert "damaged" not in capsys.readouterr().err
