from __future__ import annotations

import ctypes
import dataclasses
import errno
import hashlib
import os
import pwd
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]  # its stubs are not in the lock
import pytest

from retraining.artifact import Manifest
from retraining.dataset import Dataset
from retraining.sandbox import Outcome, Sandbox
from retraining.sandbox.supervisor import HelperGone
from retraining.scope import Entrant, Spec
from retraining.template import TEMPLATES, Limits
from statemachine.policies.policy import Policy

HERE = Path(__file__).parent
LIMITS = Limits(cpu_seconds=20, wall_seconds=60)
HOSTILE = "hostile:run"
IPC_CREATE, IPC_REMOVE = 0o1000, 0  #: of shmget(2) and shmctl(2)
ROWS = 1_200
HOLDOUT = 400

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        with Sandbox(HOSTILE) as warm:
            yield warm


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    def once(do: str, /, *, limits: Limits = LIMITS, files: dict[str, bytes] | None = None, **spec: Any) -> Outcome:
        return sandbox.run({"do": do, **spec}, files or {}, limits)

    return once


def limited(**changes: Any) -> Limits:
    return dataclasses.replace(LIMITS, **changes)


def helpers() -> list[psutil.Process]:
    """Name the warm processes below this one."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if any("retraining.sandbox.zygote" in word for word in process.cmdline())
    ]


def test_a_job_gets_its_files_and_gives_a_report_and_files(run: Run) -> None:
    outcome = run("behave", files={"a": b"one", "b": b"two"})

    assert outcome.status == "ok"
    assert outcome.files == {"model": b"onetwo"}
    assert outcome.report["folder"] == ["inputs", "out"]
    assert "HOME" in outcome.report["variables"]
    assert not {"USER", "PYTHONPATH", "VIRTUAL_ENV"} & set(outcome.report["variables"])


def test_what_a_job_used_is_measured(run: Run) -> None:
    outcome = run("spin", limits=limited(cpu_seconds=1))

    assert 500_000 < outcome.cpu_us < 3_000_000
    assert outcome.wall_us > 500_000
    assert outcome.max_rss_bytes > 1 << 20


def test_a_job_is_left_no_right_that_it_does_not_need(run: Run) -> None:
    report = run("rights").report

    assert {name: told for name, told in report.items() if name != "user"} == {
        "capabilities": [0] * 6, "no_new_privileges": 1, "signal_at_end": signal.SIGKILL,
        "groups": [] if os.geteuid() == 0 else os.getgroups(), "umask": 0o077, "core_bytes": [0, 0],
        "files": [256, 256],
    }  # fmt: skip


def test_a_job_of_root_runs_as_a_user_that_nobody_is_and_another_each_time(run: Run) -> None:
    users = [run("rights").report["user"] for _ in range(2)]

    if os.geteuid() == 0:
        assert users[0] != users[1]
        assert not {entry.pw_uid for entry in pwd.getpwall()} & set(users)
    else:
        assert set(users) == {os.geteuid()}


def test_who_is_not_root_picks_no_other_user() -> None:
    program = """
        import os
        from retraining.sandbox.confine import spare_uid
        if os.geteuid() == 0:
            os.setresuid(65_534, 65_534, 65_534)
        print(spare_uid(7))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)

    assert done.stdout == "None\n"


def test_a_job_cannot_reach_a_server_on_this_machine(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = run("connect", port=server.getsockname()[1])

    assert outcome.report == {"error": errno.ENETUNREACH}


def test_a_job_cannot_reach_memory_that_others_share(run: Run) -> None:
    kernel, key, everybody = ctypes.CDLL(None), os.getpid(), 0o666
    shared = kernel.shmget(key, 4_096, IPC_CREATE | everybody)
    try:
        assert kernel.shmget(key, 0, 0) == shared >= 0
        assert run("share", key=key).report == {"found": False}
    finally:
        kernel.shmctl(shared, IPC_REMOVE, None)


def test_a_limit_of_the_worker_that_is_lower_than_a_templates_stays() -> None:
    others = set(helpers())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        with Sandbox(HOSTILE) as warm:
            for helper in set(helpers()) - others:
                helper.rlimit(psutil.RLIMIT_NOFILE, (100, 100))
            outcome = warm.run({"do": "rights"}, {}, LIMITS)

    assert (outcome.status, outcome.report["files"]) == ("ok", [100, 100])


def test_a_trainer_that_cannot_be_loaded_is_told_at_once_and_leaves_no_process() -> None:
    before = set(helpers())

    with pytest.raises(HelperGone):
        Sandbox("no_such_module:run").run({}, {}, LIMITS)

    assert set(helpers()) <= before


def test_this_machine_seals_jobs(run: Run) -> None:
    assert run("behave", limits=limited(minimum_isolation="sealed")).isolation == "sealed"


def test_a_job_cannot_claim_a_better_isolation_than_was_probed(run: Run) -> None:
    outcome = run("forge", limits=limited(minimum_isolation="none"))

    assert outcome.isolation == "sealed"
    assert outcome.files == {"isolation": b"sealed"}


def test_an_isolation_that_nobody_knows_is_refused(run: Run) -> None:
    assert run("behave", limits=limited(minimum_isolation="perfect")).status == "POLICY_REFUSED"


def test_a_fork_bomb_is_contained_and_gone(run: Run) -> None:
    outcome = run("fork", limits=limited(processes=16))

    assert outcome.status == "ok"
    assert outcome.report["made"] < 16
    assert len(helpers()) == 2  # who waits for the helper, and the helper


def test_a_grandchild_in_a_session_of_its_own_does_not_outlive_its_job(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcome = run("hide")

    assert outcome.status == "ok"
    assert not [process for process in psutil.process_iter() if str(tmp_path) in _folder(process)]


def _folder(process: psutil.Process) -> str:
    try:
        return str(process.cwd())
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return ""


def _is_ours(pid: int) -> bool:
    try:
        return any("retraining.sandbox.zygote" in word for word in psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("do", ["take", "take in steps", "map"])
def test_two_gigabytes_are_refused_and_called_so_whatever_asks_for_them(run: Run, do: str) -> None:
    assert run(do, bytes=2 << 30).status == "OUT_OF_MEMORY"


def test_what_is_allowed_can_be_taken(run: Run) -> None:
    assert run("take", bytes=256 << 20).report == {"taken": 256 << 20}


def test_a_file_of_300_megabytes_is_refused(run: Run) -> None:
    outcome = run("write", bytes=300 << 20)

    assert outcome.status == "BAD_OUTPUT"
    assert outcome.files == {}


def test_files_count_together(run: Run) -> None:
    limits = limited(file_bytes=1 << 20)

    assert run("several", bytes=300 << 10, limits=limits).status == "ok"
    assert run("several", bytes=400 << 10, limits=limits).status == "BAD_OUTPUT"


@pytest.mark.parametrize("deaf", [False, True])
def test_a_job_that_spins_is_ended(run: Run, *, deaf: bool) -> None:
    assert run("spin", deaf=deaf, limits=limited(cpu_seconds=1)).status == "CPU_EXCEEDED"


def test_a_job_that_sleeps_is_ended_by_the_clock(run: Run) -> None:
    outcome = run("sleep", seconds=600, limits=limited(wall_seconds=1))

    assert outcome.status == "WALL_EXCEEDED"
    assert 1_000_000 <= outcome.wall_us < 10_000_000


def test_a_job_is_ended_when_its_worker_gives_up(sandbox: Sandbox) -> None:
    give_up = threading.Event()
    threading.Timer(0.3, give_up.set).start()

    outcome = sandbox.run({"do": "sleep", "seconds": 600}, {}, LIMITS, give_up)

    assert (outcome.status, outcome.message) == ("WALL_EXCEEDED", "given up")


def test_a_segmentation_fault_is_a_crash(run: Run) -> None:
    assert run("crash").status == "CRASHED"


def test_an_error_is_told(run: Run) -> None:
    outcome = run("raise")

    assert (outcome.status, outcome.message) == ("CRASHED", "LookupError: no such column")


@pytest.mark.parametrize(
    ("do", "spec"),
    [
        ("link", {"to": "/etc/passwd"}),
        ("link folder", {"to": "/etc"}),
        ("pipe", {}),
        ("folder", {}),
        ("many", {}),
        ("exit", {}),
        ("nest", {}),
        ("say", {"text": "no JSON"}),
        ("say", {"text": "[1]"}),
        ("say", {"text": '{"loss": NaN}'}),
    ],
)
def test_results_that_are_not_plain_are_refused(run: Run, do: str, spec: dict[str, Any]) -> None:
    assert run(do, **spec).status == "BAD_OUTPUT"


def test_a_job_cannot_change_files_of_others(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    kept = tmp_path / "kept"
    kept.write_text("kept", encoding="ascii")
    kept.chmod(0o666)

    outcome = run("touch", paths=[str(kept)])

    assert outcome.report == {str(kept): errno.EACCES, f"{kept}/new": errno.EACCES}
    assert kept.read_text(encoding="ascii") == "kept"
    assert list(tmp_path.iterdir()) == [kept]


def test_a_job_cannot_look_at_files_and_processes_of_others(run: Run) -> None:
    paths = ["/", "/proc", "/etc/passwd", str(HERE.parents[2] / "README.md")]

    assert run("look", paths=paths).report == dict.fromkeys(paths, -1)


def test_a_job_cannot_end_processes_of_others(run: Run) -> None:
    warm = [os.getpid(), *(helper.pid for helper in helpers())]

    outcome = run("kill", processes=warm)

    assert (outcome.status, outcome.report) == ("ok", {})
    assert all(psutil.pid_exists(pid) for pid in warm)


def test_the_next_job_works_after_the_helper_was_killed(run: Run) -> None:
    for helper in helpers():
        helper.kill()

    assert run("behave").status == "ok"


def test_a_helper_that_is_killed_during_a_job_takes_it_along(sandbox: Sandbox) -> None:
    found: list[Outcome] = []
    job = threading.Thread(
        target=lambda: found.append(sandbox.run({"do": "sleep", "seconds": 600}, {}, LIMITS)), daemon=True
    )
    job.start()
    assert _wait_for(lambda: len(helpers()) == 3)  # who waits for the helper, the helper, the job
    running = helpers()
    running[1].kill()
    job.join(30)

    assert found[0].status == "CRASHED"
    assert _wait_for(lambda: not any(_is_ours(process.pid) for process in running))
    assert sandbox.run({"do": "behave"}, {}, LIMITS).status == "ok"


def _wait_for(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not true():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.01)
    return True


def test_starting_a_job_does_not_cost_what_starting_the_helper_costs(sandbox: Sandbox) -> None:
    sandbox.run({"do": "behave"}, {}, LIMITS)
    costs = [sandbox.run({"do": "behave"}, {}, LIMITS).wall_us for _ in range(5)]

    assert min(costs) < 200_000


def test_nothing_is_left_behind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcomes = [run("behave"), run("crash"), run("take", bytes=2 << 30)]

    assert [outcome.status for outcome in outcomes] == ["ok", "CRASHED", "OUT_OF_MEMORY"]
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_that_is_closed_to_others_will_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert run("behave", limits=limited(minimum_isolation="sealed")).status == "ok"


def test_the_sandbox_holds_without_root(tmp_path: Path) -> None:
    """A user of a namespace, with no rights in it or outside, stands for anybody who is not root."""
    program = f"""
        import os, sys
        sys.path[:0] = {[str(HERE), *sys.path]!r}
        from retraining.sandbox import Sandbox, kernel
        from retraining.template import Limits
        from pathlib import Path
        uid, gid = os.geteuid(), os.getegid()
        if uid == 0:
            assert kernel.unshare(kernel.NEW_USERS)
            for name, line in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
                Path("/proc/self", name).write_text(line)
            kernel.drop_privileges()
        assert os.geteuid() != 0
        with Sandbox({HOSTILE!r}) as sandbox:
            for spec in ({{"do": "behave"}}, {{"do": "connect", "port": 80}}, {{"do": "hide"}}, {{"do": "crash"}},
                         {{"do": "touch", "paths": [{str(tmp_path / "kept")!r}]}}, {{"do": "kill", "processes": []}}):
                outcome = sandbox.run(spec, {{}}, Limits())
                print(spec["do"], outcome.status, outcome.isolation, sorted(map(str, outcome.report.values())))
    """
    (tmp_path / "kept").write_text("kept", encoding="ascii")
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    told = [line.split(" ", 3)[:3] for line in done.stdout.splitlines()]

    assert done.stderr == ""
    assert told == [
        [do, "CRASHED" if do == "crash" else "ok", "sealed"]
        for do in ("behave", "connect", "hide", "crash", "touch", "kill")
    ]
    assert f"connect ok sealed ['{errno.ENETUNREACH}']" in done.stdout
    assert (tmp_path / "kept").read_text(encoding="ascii") == "kept"


def bake_off(template: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Make a job whose concept changed at half of the rows, and its dataset."""
    chance = np.random.default_rng(7)
    rows = chance.normal(size=(ROWS, 3))
    truth = np.where(np.arange(ROWS) < ROWS // 2, rows[:, 0], rows[:, 1]) > 0
    champion = 1 / (1 + np.exp(-3 * rows[:, 0]))
    data = Dataset(first_row=0, rows=rows, labels=truth.astype(float), outputs={"v1": champion}).to_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    mark = ROWS - HOLDOUT
    spec = Spec(
        job="j-1", kind="remedy", model="m", task="binary", metric="accuracy", template=template, champion="v1",
        entrants=(
            Entrant(name="recalibrate", remedy="recalibrate", rows=((mark - 150, mark),)),
            Entrant(name="since_change", remedy="refit", rows=((ROWS // 2, mark),)),
        ),
        holdout=(mark, ROWS), blocks=8, unit=1.0, seed=3, dataset=sha256,
        features=[{"name": name, "kind": "numeric"} for name in ("a", "b", "c")], classes=["0", "1"],
        limits=dataclasses.asdict(LIMITS),
    )  # fmt: skip
    return {"spec": spec.to_json(), "policy": Policy().to_json(), "base_manifest": "0" * 64}, {sha256: data}


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_a_bake_off_runs_sealed_and_is_reproducible(template: str) -> None:
    job, files = bake_off(template)
    limits = limited(minimum_isolation="sealed")
    with Sandbox() as trainer:
        first, again = trainer.run(job, files, limits), trainer.run(job, files, limits)

    assert first.status == "ok", first.message
    assert first.report["chosen"] == "since_change"
    assert {**again.report, "fit_us": 0} == {**first.report, "fit_us": 0}
    assert (
        Manifest.from_bytes(first.files["manifest.json"]).artifact_sha256
        == hashlib.sha256(first.files["model"]).hexdigest()
    )
