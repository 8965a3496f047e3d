"""Folders that Snakemake makes outside of this one before it reads a Snakefile: removed by the next start after a kill.

A Snakemake that ends removes its own. One that was killed cannot, so each notes its folders under .snakemake/sprint/,
and the next removes those of processes that are no more. Only folders of Snakemake's own are ever touched.
"""

import atexit
import os
import shutil
import socket
from pathlib import Path

from sprint.runtime.errors import UserError
from sprint.runtime.files import read_json, write_json

KEPT = Path(".snakemake/sprint/leftovers")
OWN, CACHE = "snakemake", "snakemake-runtime-cache"  # how its own folder begins, and where that of its cache lies


def remove_leftovers(folders: list[Path]) -> None:
    """Remove what killed processes of this machine have noted, and note the folders of this one until it ends."""
    for path in sorted(KEPT.glob("*.json")):
        try:
            noted = read_json(path)
            host, pid, left = noted["host"], int(noted["pid"]), [Path(one) for one in noted["folders"]]
        except (UserError, KeyError, TypeError, ValueError):
            path.unlink(missing_ok=True)
            continue
        if host == socket.gethostname() and not _alive(pid):
            for folder in left:
                if folder.name.startswith(OWN) or folder.parent.name == CACHE:
                    shutil.rmtree(folder, ignore_errors=True)
            path.unlink(missing_ok=True)
    mine = KEPT / f"{socket.gethostname()}-{os.getpid()}.json"
    try:
        write_json(mine, {"host": socket.gethostname(), "pid": os.getpid(), "folders": [str(one) for one in folders]})
    except UserError:  # a place that cannot be written: nothing is noted, and nothing else depends on it
        return
    atexit.register(mine.absolute().unlink, missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
