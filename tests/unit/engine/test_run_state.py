"""
What ends a run.
"""

from cos_sweeper.core.errors import Stopped
from tests.unit.engine.listed_store import OLD, ListedStore, swept


def test_bucket_that_stops_a_run_goes_last_and_its_aborts_stay_allowed() -> None:
    def before(call: str, _: object) -> None:
        if call == "abort":
            raise Stopped("ExpiredToken", 403)

    done = swept(ListedStore([[("a", "1", OLD), ("b", "2", OLD)]], before), retries=True, max_aborts=1)

    assert done.remaining is not None
    assert ([listing.is_blocked for listing in done.remaining.listings], done.remaining.max_aborts) == ([True], 1)
