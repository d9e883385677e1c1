"""
What ends a run.
"""

from cos_sweeper.core.errors import Stopped
from tests.unit.engine.listed_store import OLD, ListedStore, swept


def test_bucket_that_stops_a_run_goes_last_and_its_aborts_stay_allowed() -> None:
    def before(call: str, _: object) -> None:
        if call == "abort":
            raise Stopped("ExpiredToken", 403)

    result = swept(ListedStore([[("a", "1", OLD), ("b", "2", OLD)]], before), retries=True, max_aborts=1)

    assert result.remaining is not None
    assert ([listing.is_blocked for listing in result.remaining.listings], result.remaining.max_aborts) == ([True], 1)
