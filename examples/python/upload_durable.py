"""
upload.py for senders that may be killed: an upload is on disk from its start until it is completed or reported.

    SEND_BY=send_by_invoke python upload_durable.py FOLDER BUCKET REGION KEY FILE

After a kill, run it again: it continues the upload, or reports it. Use one folder for each file. An upload that began
and whose id never came back has no parts. Such a one, and all of a machine that never comes back, is the timer's.
"""

import fcntl
import json
import sys
from collections import UserDict
from pathlib import Path

from upload import upload


class Notes(UserDict):
    """A dict whose values are also files of a folder. One process at a time may use the folder."""

    def __init__(self, folder):
        self.folder = folder
        self.lock = (folder / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while another process uses the folder
        super().__init__({note.stem: json.loads(note.read_text("utf-8")) for note in folder.glob("*.json")})

    def __setitem__(self, upload_id, named):
        (self.folder / "draft").write_text(json.dumps(named), "utf-8")
        (self.folder / "draft").replace(self.folder / f"{upload_id}.json")
        super().__setitem__(upload_id, named)

    def __delitem__(self, upload_id):
        super().__delitem__(upload_id)
        (self.folder / f"{upload_id}.json").unlink()


if __name__ == "__main__":
    upload(*sys.argv[2:], unfinished=Notes(Path(sys.argv[1])))
