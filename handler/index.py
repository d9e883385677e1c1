"""
What SCF calls: reads the environment and the clocks. Every exception that leaves says what to do.
"""

import gc
import warnings

# Importing allocates and frees hardly anything: a cold start spends a tenth of its time on garbage collection.
gc.disable()
# requests warns where it finds no detector of character sets. Nothing here needs one, so it is not deployed: a cold
# start takes a twelfth less.
warnings.filterwarnings("ignore", message="Unable to find acceptable character detection dependency")

import os
import sys
import time
from datetime import datetime, timezone
from typing import Any

from cos_sweeper import app
from cos_sweeper.core.errors import InternalError, SweeperError
from cos_sweeper.core.redaction import Redactor
from cos_sweeper.core.settings import SECRETS, key_mask
from cos_sweeper.report.log import Log
from cos_sweeper.scf import responses
from cos_sweeper.scf.context import Context
from cos_sweeper.scf.events import http_request

# Imported modules stay in memory, so the collector need not scan them again.
gc.freeze()
gc.enable()


def main_handler(event: object, context: object) -> dict[str, Any]:
    """Handle one event. Returns the trigger's response; raises a SweeperError where the trigger should retry."""
    started = time.monotonic()
    called = Context.read(context, os.environ)
    redactor = Redactor((os.environ.get(name) for name in SECRETS), key_mask(os.environ))
    log = Log(_write, redactor, request_id=called.request_id)
    error: SweeperError
    try:
        now = datetime.now(timezone.utc)
        return app.instance.run(app.handle(event, called, os.environ, redactor, log, started, now))
    except SweeperError as exc:
        log.error("run.failed", error=type(exc).__name__, reason=str(exc))
        exc.args = (redactor.redact(str(exc)),)
        error = exc
    except Exception as exc:
        name = log.crash(exc)
        error = InternalError(f"a defect of COS Sweeper, {name}: report it with this function's log of this request")
    if http_request(event):
        return responses.internal_error()
    # Without its cause: SCF prints that too, and a cause may quote the event.
    raise error from None


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
