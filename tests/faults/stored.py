"""
The objects that the runs of a scene stored under the report prefix, and what must hold for them in every cell.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.emulator.public import Cloud, Request
from tests.faults.scene import BYSTANDER, PART_BYTES, Scene, SeededUpload, owner
from tests.function import LOGS

Objects = Mapping[str, str]


def stored(cloud: Cloud) -> Objects:
    """The text of every stored object, by key, unpacked. It ends the faults: they would strike it, too."""
    cloud.heal()
    with owner(cloud, LOGS) as client:
        found = {one.key: client.get_object(BYSTANDER, one.key)["Body"] for one in cloud.objects(BYSTANDER)}
        bodies = {key: body.get_raw_stream().read() for key, body in found.items()}
    return {key: _text(gzip.decompress(one) if key.endswith(".gz") else one) for key, one in bodies.items()}


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def run_report(objects: Objects, run_id: str) -> dict[str, Any] | None:
    """The report of the run with this id, None where it is not stored."""
    reports = [json.loads(text) for key, text in objects.items() if "/runs/" in key]
    return next((one for one in reports if one["run_id"] == run_id), None)


def chain_reports(objects: Objects) -> dict[str, dict[str, Any]]:
    """Each report.json, by the run id of its chain."""
    reports = [json.loads(text) for key, text in objects.items() if key.endswith("/report.json")]
    return {one["run_id"]: one for one in reports}


def misreported(scene: Scene, objects: Objects) -> Iterator[str]:
    """What the stored objects claim, or do not say, against what happened since the scene was furnished."""
    requests = [one for one in scene.cloud.requests() if one.secret_id != scene.cloud.owner.secret_id]
    yield from _overclaimed(scene, objects, requests)
    yield from _unintended(scene, objects, requests)


def _overclaimed(scene: Scene, objects: Objects, requests: list[Request]) -> Iterator[str]:
    """A report.json that counts what did not happen, or several that count the same."""
    aborts = [one for one in requests if one.operation == "AbortMultipartUpload" and one.status == 204]
    lost = {SeededUpload(one.bucket, one.key, one.upload_id) for one in aborts} - scene.held()
    reports = chain_reports(objects).values()
    freed = [one["totals"]["freed"] for one in reports]
    if sum(one["uploads"] for one in freed) > len(lost) or sum(one["bytes"] for one in freed) > len(lost) * PART_BYTES:
        yield f"report.json claims {freed}, the buckets lost {len(lost)}"
    for totals in (one["totals"] for one in reports):
        if totals["found"]["uploads"] != sum(totals[name]["uploads"] for name in ("freed", "left", "failed")):
            yield f"report.json does not add up: {totals}"
    for one in reports:
        if (
            one["status"] == "complete"
            and not one["dry_run"]
            and one["totals"]["left"]["uploads"] + one["totals"]["failed"]["uploads"]
        ):
            yield "report.json is complete, and something is left"


def _unintended(scene: Scene, objects: Objects, requests: list[Request]) -> Iterator[str]:
    """Aborts of a sweep that left before their intent was stored."""
    if not scene.is_swept:
        return
    since: dict[SeededUpload, datetime] = {}
    for one in requests:
        if one.operation == "PutObject" and one.status == 200 and ".intents-" in one.key:
            for line in objects[one.key].splitlines():
                since.setdefault(_upload(json.loads(line)), one.time)
    for one in requests:
        if one.operation != "AbortMultipartUpload":
            continue
        stored_at = since.get(SeededUpload(one.bucket, one.key, one.upload_id))
        if stored_at is None or stored_at > one.arrived:
            yield f"an abort of {one.key} left before its intent was stored"


def _upload(record: dict[str, Any]) -> SeededUpload:
    return SeededUpload(record["bucket"].partition("@")[0], record["key"], record["upload_id"])


def unfinish(cloud: Cloud, run_id: str) -> None:
    """Make a chain one whose last run was killed two days ago before it wrote the report."""
    name = f"sweeper-reports/history/{run_id}.json"
    entry = json.loads(stored(cloud)[name])
    entry |= {"status": "running", "ended": None}
    entry["began"] = (datetime.fromisoformat(entry["began"]) - timedelta(days=2)).isoformat()
    with owner(cloud, LOGS) as client:
        client.put_object(BYSTANDER, json.dumps(entry).encode(), name)
        for document in ("report.json", "report.html"):
            client.delete_object(BYSTANDER, f"sweeper-reports/{run_id}/{document}")
