"""
What ends a run.
"""

from cos_sweeper.core.errors import Stopped
from tests.unit.engine.listed_store import OLD, ListedStore, swept


def test_run_whose_aborts_are_all_refused_made_no_progress() -> None:
    def before(call: str, _: object) -> None:
        if call == "abort":
            raise Stopped("ExpiredToken", 403)

    done = swept(ListedStore([[("a", "1", OLD), ("b", "2", OLD)]], before), retries=True, max_aborts=1)

    assert done.remaining is not None
    assert (done.progressed, done.remaining.max_aborts) == (False, 1)
