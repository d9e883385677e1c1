"""
What the answer to a question allows.
"""

from dataclasses import replace

import pytest

from cos_sweeper.cli.shown import Shown
from cos_sweeper.core.model import Bucket, ListedUpload, Page, Upload
from cos_sweeper.core.outcomes import Kept, WouldAbort
from cos_sweeper.core.policy import STARTED_RECENTLY

BUCKET, OTHER = Bucket("photos-1250000000", "ap-guangzhou"), Bucket("logs-1250000000", "ap-guangzhou")
UPLOAD, KEPT = Upload(BUCKET, "a", "id1"), Upload(BUCKET, "k", "id3")


def listed(upload: Upload) -> ListedUpload:
    return ListedUpload(upload, None)


@pytest.mark.parametrize(
    "upload",
    [replace(UPLOAD, bucket=OTHER), replace(UPLOAD, key="b"), replace(UPLOAD, upload_id="id2"), KEPT],
    ids=["bucket", "key", "id", "kept"],
)
def test_answer_allows_the_triples_that_were_shown_as_going_and_no_others(upload: Upload) -> None:
    shown = Shown()
    shown.outcome(listed(UPLOAD), WouldAbort(UPLOAD, 0))
    shown.outcome(listed(KEPT), Kept(KEPT, STARTED_RECENTLY))

    assert shown.answered().may_abort(UPLOAD)
    assert not shown.may_abort(upload)


def test_answer_is_about_no_more_uploads_than_are_remembered() -> None:
    shown, second = Shown(maximum=1), replace(UPLOAD, upload_id="id2")
    for one in (UPLOAD, second):
        shown.outcome(listed(one), WouldAbort(one, 0))

    page = shown.answered().within(BUCKET, Page((listed(UPLOAD), listed(second)), None, None))

    assert [one.upload for one in page.listed] == [UPLOAD]
    assert (shown.may_abort(second), shown.others, shown.has_room) == (False, 1, False)
