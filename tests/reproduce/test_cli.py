"""The command line: what it refuses, what it writes, what it keeps, how it ends."""

import errno
import json
import os
import re
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_experiments import NAMES

from refimpl.core.training import Divergence
from refimpl.experiments.common import framework
from refimpl.reproduce import (
    cli,
    expected_times,
    measure,
    options,
    records,
    reference,
    report,
    selection,
)
from refimpl.reproduce.environment import environment

ONE, OTHER = NAMES
ROOT = Path(__file__).parents[2]


def run(*arguments):
    return cli.main(["--jobs=1", *(str(argument) for argument in arguments)])


@pytest.fixture(autouse=True)
def documented(tmp_path, monkeypatch):
    """File of the committed verdicts: none, until a test writes some."""
    monkeypatch.setattr(reference, "FILE", tmp_path / "reference.json")
    reference.FILE.write_text("{}")
    return reference.FILE


@pytest.fixture
def results(small, tmp_path):
    """Folder of one finished quick run."""
    out = tmp_path / "results"
    assert run("--quick", "--quiet", "--out", out, ONE) == 0
    return out


def interrupted(config, context):
    raise KeyboardInterrupt


def test_a_run_writes_claims_arrays_and_figures(results, small):
    claims = json.loads((results / "claims.json").read_text())
    assert [claim["id"] for claim in claims] == [c.id for c in small[ONE].CLAIMS]
    verdicts = [claim["verdict"] for claim in claims]
    assert verdicts == ["supported", "refuted", "undecided", "not attempted"]
    for claim in claims:
        assert claim["preset"] == "quick"
        assert claim["seeds"] == 5 and isinstance(claim["first_seed"], int)
        assert claim["data"] == "none" and claim["experiment"] == ONE
        assert claim["reference"] is None and claim["comparison"] == "not comparable"
    assert claims[0]["p"] < 0.01 and len(claims[0]["interval"]) == 2
    assert not {"p", "interval"} & claims[3].keys()
    for file in ("arrays.npz", f"{ONE}_drawn.png", f"{ONE}_drawn.svg"):
        assert (results / ONE / file).stat().st_size > 0
    assert not list(results.rglob(".*"))  # no temporary files


@pytest.mark.parametrize("preset", [("--quick",), ()])
def test_figures_for_print_are_drawn_but_in_a_quick_run(preset, small, tmp_path):
    run(*preset, "--quiet", "--out", tmp_path, ONE)
    assert (tmp_path / ONE / f"{ONE}_drawn.pdf").is_file() is not bool(preset)


def test_a_quick_run_leaves_no_figure_of_another_run(small, tmp_path):
    for preset in ((), ("--quick",)):
        run(*preset, "--quiet", "--out", tmp_path, ONE)
    assert not list(tmp_path.rglob("*.pdf"))


def test_a_users_own_files_stay(small, tmp_path):
    mine = tmp_path / ONE / "my notes.pdf"
    mine.parent.mkdir()
    mine.write_text("mine")
    run("--quick", "--quiet", "--out", tmp_path, ONE)
    assert mine.read_text() == "mine"


def test_a_second_run_reuses_the_arrays(results, small, monkeypatch, capsys):
    monkeypatch.setattr(small[ONE], "run", lambda *_: pytest.fail("computed again"))
    files = [results / "claims.json", results / ONE / "run.json"]
    before = [file.read_text() for file in files]
    capsys.readouterr()
    run("--quick", "--out", results, ONE)
    assert [file.read_text() for file in files] == before
    told = capsys.readouterr().err
    assert "from the folder  1 ✓  1 ✗  1 ?  1 –\n" in told and "Figure 98);" in told


def test_fresh_computes_again(results, small, monkeypatch):
    monkeypatch.setattr(small[ONE], "run", interrupted)
    assert run("--quick", "--quiet", "--fresh", "--out", results, ONE) == 130


def test_a_run_is_recorded(small, tmp_path):
    run("--quick", "--quiet", "--seeds", 2, "--out", tmp_path, ONE)
    made, problem = records.load_run(tmp_path / ONE)
    assert problem is None
    assert made.command == f"python reproduce.py --quick --seeds 2 {ONE}"
    assert made.computation.seconds >= 0 and made.computation.finished
    assert made.computation.environment.keys() == environment(1).keys()
    assert records.Setting("seeds", 2, None) in made.settings
    assert records.Setting("size", 1, 3) in made.settings
    assert [one.name for one in made.figures] == [f"{ONE}_drawn"]


def test_a_record_of_another_result_tells_nothing_of_this_one(results):
    made, _ = records.load_run(results / ONE)
    assert measure._computation(results / ONE, made.key) == made.computation
    assert measure._computation(results / ONE, "another key") is None


@pytest.mark.parametrize("every", [0, 100])
def test_the_report_has_the_last_experiment_too(every, small, tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "REPORT_EVERY", every)
    run("--quick", "--quiet", "--out", tmp_path, ONE, OTHER)
    written = (tmp_path / "report.html").read_text()
    assert f"claim-{ONE}-up" in written and f"claim-{OTHER}-up" in written


def test_a_run_that_breaks_off_leaves_a_report(results, small, monkeypatch):
    monkeypatch.setattr(small[OTHER], "run", interrupted)
    (results / "report.html").unlink()
    assert run("--quick", "--quiet", "--out", results, ONE, OTHER) == 130
    assert f"claim-{ONE}-up" in (results / "report.html").read_text()
    assert f"{ONE}_drawn.png" in (results / "report.md").read_text()


def test_an_experiment_that_diverged_breaks_off(small, tmp_path, monkeypatch, capsys):
    def diverges(config, context):
        raise Divergence("R_S is not finite at step 3", None)

    monkeypatch.setattr(small[ONE], "run", diverges)
    assert run("--quick", "--quiet", "--out", tmp_path, ONE, OTHER) == 3
    captured = capsys.readouterr()
    assert f"reproduce.py: {ONE}: R_S is not finite at step 3" in captured.err
    assert "8 claims: 1 supported, 1 refuted" in captured.out  # the other went on
    claims, _ = records.load_claims(tmp_path)
    mine = [one for one in claims if one.experiment == ONE]
    assert {one.verdict for one in mine} == {"not attempted"}
    made, _ = records.load_run(tmp_path / ONE)
    assert made.figures == [] and made.computation.seconds >= 0
    assert "not finite at step 3" in (tmp_path / "report.html").read_text()


def test_other_settings_are_computed_again(results, small, monkeypatch):
    monkeypatch.setattr(small[ONE], "run", interrupted)
    before = (results / "claims.json").read_text()
    assert run("--quick", "--quiet", "--seeds", 3, "--out", results, ONE) == 130
    assert (results / "claims.json").read_text() == before


def test_ctrl_c_says_what_is_there_already(results, monkeypatch, capsys):
    def broken_off(session):
        raise KeyboardInterrupt

    capsys.readouterr()
    monkeypatch.setattr(measure, "measure", broken_off)
    asked = ("--quick", "--quiet", "--out", results, ONE, OTHER)
    assert run(*asked) == 130
    said = capsys.readouterr().err
    assert "the same command goes on from here" in said
    assert re.findall(r"(all runs kept|nothing yet)\n", said) == [
        "all runs kept",
        "nothing yet",
    ]
    assert run(*asked, "--seeds", 3, "--fresh") == 130
    said = capsys.readouterr().err
    assert "the same command without --fresh goes on from here" in said
    assert said.count("nothing yet") == 2


def test_the_record_of_other_settings_is_not_shown_with_the_claims(results):
    made, _ = records.load_run(results / ONE)
    seeds = [replace(s, value=99) if s.name == "seeds" else s for s in made.settings]
    records.save_run(results / ONE, replace(made, settings=seeds))
    report.write(results, records.load_claims(results)[0])
    page = (results / "report.html").read_text()
    assert "a run that was broken off, of other settings than these claims" in page
    assert "<img" not in page.split('id="paper"')[0] and made.command not in page


def test_damaged_arrays_are_named_and_computed_again(results, capsys):
    path = results / ONE / "arrays.npz"
    path.write_bytes(path.read_bytes()[:200])
    assert run("--quick", "--quiet", "--out", results, ONE) == 0
    assert "arrays.npz is damaged" in capsys.readouterr().err


def test_damaged_claims_are_named_and_moved_aside(results, capsys):
    (results / "claims.json").write_text('[{"id": "cut')
    assert run("--quick", "--quiet", "--out", results, ONE) == 0
    assert "claims.json is damaged" in capsys.readouterr().err
    assert json.loads((results / "claims.json").read_text())
    assert (results / "claims.damaged.json").exists()


def commit(results, **changes):
    """Make the committed verdicts of what is in `results`, changed by claim id."""
    content = reference.collect([results])
    for name, change in changes.items():
        content["quick"]["none"][f"{ONE}-{name}"] |= change
    reference.FILE.write_text(json.dumps(content))


def test_what_is_decided_as_documented_ends_with_0(results, capsys):
    commit(results)
    assert run("--quick", "--out", results, ONE) == 0
    printed = capsys.readouterr().out
    counts = "4 claims: 1 supported, 1 refuted, 1 undecided, 1 need --mnist; "
    assert counts + "all as documented" in printed
    assert "Decided differently" not in printed
    claims, _ = records.load_claims(results)
    assert [one.reference for one in claims] == [one.verdict for one in claims]


def test_what_is_decided_differently_ends_with_1_and_is_said_in_full(results, capsys):
    commit(results, up={"verdict": "refuted", "measured": -2.0, "interval": [-3, -1]})
    assert run("--quick", "--out", results, ONE) == 1
    printed = capsys.readouterr().out
    assert "Decided differently from the committed run:\n✓ supported  " in printed
    assert "committed as refuted, −2.0 ± 1.0" in printed
    assert "2 as documented, 1 decided differently" in " ".join(printed.split())
    page = (results / "report.html").read_text()
    assert "decided differently (refuted in the committed run)" in page


def test_other_seeds_are_no_reason_to_end_with_1(results):
    commit(results, up={"verdict": "refuted", "measured": -2.0, "interval": [-3, -1]})
    assert run("--quick", "--quiet", "--seeds", 4, "--out", results, ONE) == 0


def test_a_device_is_not_compared(results, monkeypatch):
    commit(results, up={"verdict": "refuted", "measured": -2.0, "interval": [-3, -1]})
    monkeypatch.setattr(cli.options, "load", lambda backend: None)
    monkeypatch.setattr("refimpl.reproduce.environment._device", lambda: {})
    assert run("--quick", "--quiet", "--backend=cupy", "--out", results, ONE) == 0


def test_strict_ends_with_1_where_a_claim_is_refuted(results, small, monkeypatch):
    assert run("--quick", "--quiet", "--strict", "--out", results, ONE) == 1
    skipped = {c.id: c.measured("") for c in small[ONE].CLAIMS}
    monkeypatch.setattr(small[ONE], "check", lambda arrays: skipped)
    assert run("--quick", "--quiet", "--strict", "--out", results, ONE) == 0


def test_an_error_nobody_expects_breaks_off_with_all_that_is_known(
    small, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(small[ONE], "run", lambda *_: 1 / 0)
    assert run("--quick", "--quiet", "--out", tmp_path, ONE) == 3
    error = capsys.readouterr().err
    assert "Traceback" in error and "ZeroDivisionError" in error


def test_list_names_every_experiment_and_claim(capsys):
    assert run("--list") == 0
    printed = capsys.readouterr().out
    for name in framework.names():
        assert name in printed
        for claim in framework.load(name).CLAIMS:
            assert claim.id in printed
    assert "fig13_losses_compared [Figure 13] [Figure 14]" in printed
    assert printed.count("    time: quick ") == len(framework.names())


def test_list_names_those_that_are_asked_for(capsys):
    assert run("--list", "fig04", "fig14") == 0
    printed = capsys.readouterr().out
    assert printed.count("    time: quick ") == 2
    assert "fig04_condensation" in printed and "fig13_losses_compared" in printed


BAD = {
    "unknown experiment": (["fig04_condensatoin"], "fig04_condensation"),
    "no seeds": (["--seeds", "0"], "--seeds must be a positive integer, got 0"),
    "no jobs": (["--jobs", "0"], "--jobs must be a positive integer, got 0"),
    "negative seeds": (["--seeds", "-1"], "--seeds"),
    "too many seeds": (["--seeds", "100001"], "at most 100000, got 100001"),
    "no number of seeds": (["--seeds", "9" * 5000], "at most 100000, got 999"),
    "too many jobs": (["--jobs", "1001"], "--jobs must be at most 1000, got 1001"),
    "zero in other digits": (["--seeds", "\u0660"], "positive integer, got \u0660"),
    "equations of one": (["--verify", ONE], f"proves all equations, leave out: {ONE}"),
    "a name too long": (["--mnist", "m" * 300], "--mnist must be a folder that can be"),
    "a list of none": (["--list", "fig99"], "no experiment 'fig99'; the nearest: "),
    "seeds in words": (["--seeds", "many"], "positive integer, got many"),
    "missing mnist": (["--mnist", "/nowhere"], "--mnist: mnist folder /nowhere"),
    "missing cifar": (["--cifar", "/nowhere"], "--cifar: cifar folder /nowhere"),
    "cifar nowhere": (["--cifar", ""], "--cifar must be a folder, got ''"),
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


def test_an_output_folder_that_is_a_file_is_refused(small, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    assert run("--quick", "--out", tmp_path / "file", ONE) == 2
    assert "--out must be a folder that can be written" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"


SELECTED = {
    "fig04": ["fig04_condensation"],
    "fig4": ["fig04_condensation"],
    "Figure 14": ["fig13_losses_compared"],
    "fig1b": ["fig01_simpler_and_flatter"],
    "fig12": ["fig12a_flat_minima", "fig12b_other_networks"],
    "fig07": ["fig07_high_dimension", "fig07c_effective_ratio", "fig07c_filters"],
    "fig7c": ["fig07c_effective_ratio", "fig07c_filters"],
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
    times = expected_times.times()
    assert times["machine"]
    for preset in framework.PRESETS:
        assert times[preset].keys() <= set(framework.names())
        assert all(seconds > 0 for seconds in times[preset].values())


CALLS = {
    "reproduce.py": ["reproduce.py"],
    "python -m refimpl": ["-m", "refimpl"],
    "refimpl": ["-c", "from refimpl.reproduce.cli import console; exit(console())"],
}


def called(program, *arguments):
    return subprocess.run(
        [sys.executable, *CALLS[program], *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("program", CALLS)
def test_every_door_answers_to_its_own_name(program):
    helped, refused = called(program, "--help"), called(program, "--seeds=0", "fig04")
    unknown = called(program, "--unknown")
    assert helped.returncode == 0 and helped.stdout.startswith(f"usage: {program} [")
    python = "python " if program.endswith(".py") else ""
    assert f"\n  {python}{program} --quick  " in helped.stdout
    assert refused.returncode == unknown.returncode == 2
    assert refused.stderr.startswith(f"{program}: --seeds must be a positive integer")
    assert unknown.stderr.splitlines()[-1].startswith(f"{program}: error: unrecognized")


def test_a_lost_worker_is_said_in_one_line(small, monkeypatch, tmp_path, capsys):
    def lost(session):
        raise BrokenExecutor("a process was terminated abruptly")

    monkeypatch.setattr(measure, "measure", lost)
    assert run("--quick", "--out", tmp_path, ONE) == 3
    assert "a worker or the scheduler was lost" in capsys.readouterr().err


def test_results_and_progress_go_to_different_streams(
    small, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "100")  # or the line is broken
    run("--quick", "--out", tmp_path, ONE)
    captured = capsys.readouterr()
    title = "Fig98_levels stay where they are (Figure 98)"
    assert captured.err.startswith(f"[1/1] {ONE}: {title}; ")
    assert captured.err.count("\n") == 1
    assert captured.out.startswith("✗ The fig98_levels are below zero.")


def test_quiet_prints_what_came_out_only(results, capsys):
    capsys.readouterr()
    run("--quick", "--quiet", "--out", results, ONE)
    captured = capsys.readouterr()
    assert captured.err == "" and captured.out.startswith("✗ The fig98_levels are")


def test_verbose_prints_every_claim(results, small, capsys):
    capsys.readouterr()
    run("--quick", "--quiet", "--verbose", "--out", results, ONE)
    printed = capsys.readouterr().out
    for claim in small[ONE].CLAIMS:
        assert claim.id in printed and claim.criterion in printed


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EFBIG, errno.EACCES])
@pytest.mark.parametrize("full", ["savez_compressed", "write_text", "write_bytes"])
def test_a_full_disk_ends_with_one_line_and_nothing_half_written(
    full, reason, small, tmp_path, capsys, monkeypatch
):
    owner, out = np if full == "savez_compressed" else Path, tmp_path / "results"

    def half(place, *_, **__):
        if isinstance(place, Path):
            place.touch()
        raise OSError(reason, "No space left on device")

    command = ("--quick", "--quiet", "--out", out, ONE)
    with monkeypatch.context() as patch:
        patch.setattr(owner, full, half)
        assert run(*command) == 3
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "cannot be written (No space" in err
    assert f"what was written to {out} is whole" in err
    assert not list(out.rglob(".*"))  # no temporary files
    assert run(*command) == 0
    assert "damaged" not in capsys.readouterr().err


def test_a_file_in_place_of_a_folder_ends_with_one_line(small, tmp_path, capsys):
    (tmp_path / ONE).write_text("kept")
    assert run("--quick", "--quiet", "--out", tmp_path, ONE) == 3
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and f"{tmp_path / ONE} cannot be written" in err
    assert (tmp_path / ONE).read_text() == "kept"


def test_the_help_says_how_a_run_ends(capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--help")
    printed = capsys.readouterr().out
    for words in ("0 all is decided as in", "1 a claim was", "3 something broke"):
        assert words in printed


def test_a_letter_that_is_no_panel_is_refused():
    with pytest.raises(ValueError, match="no experiment 'fig04x'"):
        selection.select(["fig04x"])
    assert selection.select(["fig04d"]) == ["fig04_condensation"]


@pytest.mark.parametrize("word", ["zzz", "fig99", "condensing"])
def test_three_names_are_suggested_for_an_unknown_one(word):
    with pytest.raises(ValueError, match="the nearest: ") as error:
        selection.select([word])
    assert len(str(error.value).split("nearest: ")[1].split(", ")) == 3


def test_the_list_fits_80_columns(capsys):
    assert run("--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80


def process(*arguments, env=os.environ, **options):
    command = [sys.executable, "-m", "refimpl", *arguments]
    env = {name: one for name, one in env.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, env=env, **options
    )


ALWAYS = ("--quick", "--quiet", "--jobs=1", "masks_without_replacement", "--out")


@pytest.mark.parametrize("command", [["--list"], ["--help"], ALWAYS], ids=str)
def test_a_closed_pipe_ends_quietly(command, tmp_path):
    read, write = os.pipe()
    os.close(read)
    out = [str(tmp_path)] * (command == ALWAYS)
    with process(*command, *out, stdout=write) as ended:
        os.close(write)
        assert ended.communicate(timeout=60)[1] == b""
    assert ended.returncode == cli.CLOSED_PIPE


def test_an_error_into_a_closed_pipe_ends_quietly():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "refimpl", "no such experiment"]
    ended = subprocess.run(command, cwd=ROOT, stderr=write, timeout=60)
    os.close(write)
    assert ended.returncode == cli.CLOSED_PIPE


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_closed_streams_take_nothing_from_a_run(tmp_path):
    arguments = f"--quick --jobs 1 --out '{tmp_path}' masks_without_replacement"
    for closed in ("1>&- 2>&-", "2>&-"):
        command = f"'{sys.executable}' -m refimpl {arguments} {closed}"
        ended = subprocess.run(command, shell=True, cwd=ROOT, timeout=300)
        assert ended.returncode == cli.AS_DOCUMENTED
        (tmp_path / "report.html").unlink()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [["--list"], ALWAYS], ids=str)
def test_a_full_disk_below_the_output_is_told(command, tmp_path):
    out = [str(tmp_path)] * (command == ALWAYS)
    with open("/dev/full", "w") as full, process(*command, *out, stdout=full) as ended:
        error = ended.communicate(timeout=60)[1].decode()
    assert ended.returncode == cli.BROKEN_OFF and error.count("\n") == 1
    assert "cannot be written (No space left on device)" in error


def test_signs_that_a_locale_has_not_are_written_by_number():
    latin = os.environ | {"PYTHONIOENCODING": "latin-1"}
    with process("--list", stdout=subprocess.PIPE, env=latin) as ended:
        out, error = ended.communicate(timeout=60)
    assert ended.returncode == 0 and error == b"" and rb"\u2212" in out


def test_an_ascii_locale_crashes_nothing():
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    with process("--list", stdout=subprocess.PIPE, env=ascii_only) as ended:
        out, error = ended.communicate(timeout=60)
    assert ended.returncode == 0 and error == b""
    assert "λ" in out.decode("utf-8")  # a mark that became ? would mean another


def test_a_folder_of_any_name_is_named_in_an_ascii_locale(tmp_path):
    out = tmp_path / "a file, not a földer"
    out.write_text("")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with process("--out", str(out), env=os.environ | plain) as ended:
        error = ended.communicate(timeout=60)[1]
    assert ended.returncode == cli.BAD_USAGE and os.fsencode(out) in error


def test_a_second_run_into_the_folder_of_another_is_refused(small, tmp_path, capsys):
    arguments = ["--quick", "--quiet", "--out", tmp_path, ONE]
    with options.only_run(tmp_path):
        assert run(*arguments) == 2
        assert "another run writes to" in capsys.readouterr().err
    assert run(*arguments) == 0


def test_a_folder_is_free_when_its_run_was_killed(tmp_path):
    code = (
        "import sys, time; from refimpl.reproduce import options\n"
        "with options.only_run(sys.argv[1]):\n    print(1, flush=True)\n"
        "    time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(options.BadUsage), options.only_run(tmp_path):
            pass
        holder.kill()
    with options.only_run(tmp_path):
        pass


def test_a_kill_during_the_report_leaves_the_old_one(results, small):
    before = (results / "report.html").read_text()
    code = (
        "import os, signal, sys; from refimpl.data import files\n"
        "def write(temporary):\n    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_atomically(sys.argv[1], write)"
    )
    command = [sys.executable, "-c", code, str(results / "report.html")]
    assert subprocess.run(command, cwd=ROOT, timeout=60).returncode != 0
    assert (results / "report.html").read_text() == before
    assert list(results.glob(".*-report.html"))
    assert run("--quick", "--quiet", "--out", results, ONE) == 0
    assert not list(results.glob(".*-report.html"))
