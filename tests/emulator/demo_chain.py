"""
The demo's last chapters: a sweep that one invocation has no time for, and one that four instances share.

Here the function runs as SCF runs it: in processes of its own, started, killed and fed by the emulator's SCF.
"""

from collections.abc import Sequence
from pathlib import Path

from tests.emulator.client import Cloud, ControlError
from tests.emulator.console import MIB, amount, say, title
from tests.emulator.demo_report import Reports
from tests.emulator.invocations import InvocationRecord
from tests.fixtures import ABORTING
from tests.function import PHOTOS

HANDLER = Path(__file__).parents[2] / "handler"
PREFIX = "sweeper-reports"
BUCKET = PHOTOS.partition("@")[0]
MANY = 1300
LIMIT_MS = 10000
DELAY_MS = 80


class Chains:
    """Tells the chapters and makes their checks."""

    def __init__(self) -> None:
        self.checks: list[tuple[str, bool]] = []

    def tell(self) -> None:
        """Tell both chapters."""
        env = {"BUCKETS": PHOTOS, "REPORT": f"{PHOTOS}/{PREFIX}", **ABORTING}
        with Cloud.start(PHOTOS, function=HANDLER, env=env, time_limit_ms=LIMIT_MS, concurrency=10) as scf:
            title(f"9  {MANY:,} uploads, and a time limit of {LIMIT_MS // 1000} seconds")
            say(f"COS takes {DELAY_MS} ms for each response, as a COS in a distant region does.")
            say("Before its time is up, each run invokes the function again with a checkpoint of the rest:")
            runs = self.sweep(scf, fan_out=1)
            self.check("a chain of short runs finishes what one run has no time for", self.finished(scf, runs))
            self.check("the report of the chain adds up all its runs", self.added_up(scf, runs))
            self.check("it takes more than one run, and SCF kills none of them", len(runs) > 1)

            title("10  The same sweep with FAN_OUT=4")
            say("The first run splits the sweep into four shards. Each shard is a chain of runs on its own instance:")
            runs = self.sweep(scf, fan_out=4)
            self.check("four instances share a sweep and leave nothing out", self.finished(scf, runs))
            self.check("their report adds up all shards", self.added_up(scf, runs))

    def sweep(self, scf: Cloud, fan_out: int) -> Sequence[InvocationRecord]:
        """Fire one timer at a fresh bucket, and show every run of its chain."""
        scf.reset()
        scf.fault(delay_ms=DELAY_MS)
        scf.seed(BUCKET, "raw/{n:04}.mov", count=MANY, parts=2)
        scf.scf_settings(env={"FAN_OUT": str(fan_out)})
        scf.fire_timer()
        scf.wait_idle(120)
        runs = sorted(
            (run for run in scf.invocations() if run.answer and "run" in run.answer),
            key=lambda run: (run.answer["shard"], run.started),
        )
        say("")
        say(f"    {'shard':<8}{'run':>4}{'instance':>10}{'seconds':>9}{'aborted':>9}{'freed':>12}   next")
        for run in runs:
            answer = run.answer
            further = answer["continuations"]
            then = answer["status"] if not further else "continues" if further == 1 else f"splits into {further}"
            say(
                f"    {answer['shard']:<8}{answer['run']:>4}{run.pid:>10}{run.duration_ms / 1000:>9.1f}"
                f"{answer['aborted']:>9}"
                f"{amount(answer['bytes_freed']):>12}   {then}"
            )
        total = sum(run.answer["aborted"] for run in runs)
        freed = sum(run.answer["bytes_freed"] for run in runs)
        seconds = (max(run.ended for run in runs) - min(run.started for run in runs)).total_seconds()
        say(f"    {'together':<8}{seconds:>23.1f}{total:>9}{amount(freed):>12}")
        return runs

    def finished(self, scf: Cloud, runs: Sequence[InvocationRecord]) -> bool:
        """Whether nothing is left, no run was killed, and the runs' reports add up to all there was."""
        if {run.end for run in runs} != {"returned"}:
            return False
        freed = sum(run.answer["bytes_freed"] for run in runs)
        return not scf.uploads(BUCKET) and freed == MANY * 2 * MIB

    def added_up(self, scf: Cloud, runs: Sequence[InvocationRecord]) -> bool:
        """Whether the report of the chain counts every upload as freed."""
        try:
            report = Reports(scf, BUCKET, PREFIX).report_json(runs[0].answer["run_id"])
        except ControlError:  # no time was left for it
            return False
        freed = report["totals"]["freed"]
        return (report["runs"], freed["uploads"], freed["bytes"]) == (len(runs), MANY, MANY * 2 * MIB)

    def check(self, words: str, passed: bool) -> None:  # noqa: FBT001  # reads as the sentence it is
        """Note what was checked and whether it passed."""
        self.checks.append((words, passed))
