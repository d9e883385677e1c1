"""
`explain` step by step: the engine looks at the uploads of a key and aborts nothing; what it saw is the evidence.
"""

from collections import defaultdict
from dataclasses import replace

from cos_sweeper.cli import exits, explain_view, looking
from cos_sweeper.cli.evidence import Evidence
from cos_sweeper.cli.explain_view import Explained
from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.words import t
from cos_sweeper.core import key_readings
from cos_sweeper.core.errors import RequestRejected
from cos_sweeper.core.keys import validate_key
from cos_sweeper.core.model import AbortRequest, Bucket, BucketsPage, Cursor, Page, PartsPage, Upload
from cos_sweeper.core.outcomes import AlreadyGone, Failed
from cos_sweeper.core.policy import Policy
from cos_sweeper.cos.store import Receipt, ReportsPage, Store


class Witness:
    """A store that keeps what it read, by upload id. It sends no abort and writes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pages: dict[str, Page] = {}
        self.parts_pages: dict[str, dict[int, PartsPage]] = defaultdict(dict)

    async def page(self, bucket: Bucket, start: Cursor, prefix: str) -> Page:
        """As `Store` says."""
        page = await self._store.page(bucket, start, prefix)
        for listed in page.listed:
            self.pages[listed.upload.upload_id] = replace(page, listed=())
        return page

    async def parts(self, upload: Upload, after: int, *, for_abort: bool = False) -> PartsPage:
        """As `Store` says."""
        page = await self._store.parts(upload, after, for_abort=for_abort)
        self.parts_pages[upload.upload_id][after] = page
        return page

    def parts_of(self, upload_id: str) -> tuple[PartsPage, ...]:
        """The pages of an upload's parts, in order."""
        pages = self.parts_pages.get(upload_id, {})
        return tuple(pages[after] for after in sorted(pages))

    async def abort(self, upload: Upload, within: float | None = None) -> Receipt:  # noqa: ARG002
        """Refuse."""
        raise RequestRejected("an explanation aborts nothing")

    async def put_report(self, bucket: Bucket, key: str, body: bytes) -> None:  # noqa: ARG002
        """Refuse."""
        raise RequestRejected("an explanation writes nothing")

    async def buckets(self, marker: str) -> BucketsPage:
        """As `Store` says."""
        return await self._store.buckets(marker)

    async def read_report(self, bucket: Bucket, key: str, max_bytes: int) -> bytes | None:
        """As `Store` says."""
        return await self._store.read_report(bucket, key, max_bytes)

    async def list_reports(self, bucket: Bucket, prefix: str, after: str) -> ReportsPage:
        """As `Store` says."""
        return await self._store.list_reports(bucket, prefix, after)

    def give_back(self, bucket: Bucket) -> None:
        """As `Store` says."""
        self._store.give_back(bucket)

    def is_throttled(self, bucket: Bucket) -> bool:
        """As `Store` says."""
        return self._store.is_throttled(bucket)

    async def pause(self, seconds: float) -> bool:
        """As `Store` says."""
        return await self._store.pause(seconds)


def explain(session: Session, key: str, upload_id: str | None) -> int:
    """Do it. Returns the exit code."""
    console = session.console
    if upload_id is None:
        looking.require_effect_without_id(session)
    (bucket,) = session.run(session.buckets())
    cos_key = looking.cos_key(key)
    if not cos_key:
        raise Misused(t("The key is empty."), t("Give the key of an upload."))
    why_not = validate_key(cos_key, upload_id) if upload_id is not None else None
    if why_not:
        raise Misused(t("This upload cannot be addressed: {why}.", why=why_not))
    if cos_key != key:
        console.say(t("No key in COS begins with '/': it is dropped."), "quiet")
    explained, unread = session.run(_gather(session, bucket, cos_key, upload_id))
    if session.interrupt.is_set:
        return exits.INTERRUPTED
    if explained:
        looking.say_for_shell(session, cos_key)
    for one in explained:
        console.show(*explain_view.shown(one, session))
        if isinstance(one.evidence.outcome, Failed):
            console.next_step(looking.next_step(one.evidence.outcome))
    if not explained:
        _say_nothing(session, bucket, upload_id)
    console.data({"bucket": str(bucket), "uploads": [explain_view.as_json(one) for one in explained]})
    is_unknown = upload_id is not None and not explained
    return exits.PARTIAL if unread or is_unknown else exits.COMPLETE


def _say_nothing(session: Session, bucket: Bucket, upload_id: str | None) -> None:
    if upload_id is None:
        session.console.show(t("This key has no unfinished upload in {bucket}.", bucket=bucket))
    else:
        session.console.say(looking.unknown(), "warn")


async def _gather(session: Session, bucket: Bucket, key: str, upload_id: str | None) -> tuple[list[Explained], bool]:
    """The evidence of every upload asked for, and whether some could not be read."""
    witness = Witness(session.store())
    plan = await looking.key_plan(session, bucket, key, dry_run=True)
    found, report = await looking.look(session, plan, witness)
    swept: Policy = replace(plan.listings[0].policy, only_key=None)
    as_of = report.as_of
    found = [one for one in found if upload_id in (None, one.listed.upload.upload_id)]
    named: Policy | None = None
    if upload_id is not None:
        request = AbortRequest(bucket.name, key, upload_id, bucket.region, "command")
        by_name = await session.plan(request, dry_run=True)
        named = by_name.targets[0].policy
        if not found:
            looked, report = await looking.look(session, by_name, witness)
            as_of = min(as_of, report.as_of)
            found = [one for one in looked if not isinstance(one.outcome, AlreadyGone)]
    explained = [
        Explained(
            Evidence(
                one.listed,
                witness.pages.get(one.listed.upload.upload_id),
                witness.parts_of(one.listed.upload.upload_id),
                one.outcome,
                as_of,
            ),
            swept,
            named,
            key_readings.of(one.listed),
        )
        for one in found
        if not isinstance(one.outcome, AlreadyGone)
    ]
    return explained, any(not one.evidence.parts for one in explained)
