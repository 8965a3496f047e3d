"""A writer of shards that is killed goes on where it was, and ends with the bytes of one that was not."""

import hashlib
import signal
import subprocess
import sys
import time

import pytest
import stores

from sprint.data.converting import convert
from sprint.data.facts import Facts
from sprint.data.layouts import open_layout
from sprint.runtime.errors import UserError

SOURCE = stores.source(1200, side=8)


def content(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def killed(arguments: list, marker, environment, cwd) -> None:
    """Run a command and kill -9 it once a file is there."""
    process = subprocess.Popen([sys.executable, "-m", "sprint.cli", *map(str, arguments)], cwd=cwd, env=environment())
    ends = time.monotonic() + 120
    while not marker.exists() and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"


def test_convert_killed_twice_ends_with_the_same_bytes_and_does_no_shard_again(
    tmp_path, command_environment, repository, run_cli
):
    path = stores.maskdit(tmp_path / "store", SOURCE)
    command = ["data", "convert", path, tmp_path / "killed", "--shard", 12]
    times = {}
    for number in (4, 30):
        killed(command, tmp_path / f"killed/{number:05d}.json", command_environment, repository)
        assert (tmp_path / "killed/begun.json").exists() and not (tmp_path / "killed/index.json").exists()
        with pytest.raises(UserError, match="begun and not finished; the command that began it goes on"):
            open_layout(tmp_path / "killed").check()
        finished = [record.with_suffix(".npy") for record in (tmp_path / "killed").glob("0*.json")]
        again = {shard: shard.stat().st_mtime_ns for shard in finished}
        assert times.items() <= again.items()
        times = again
    done = run_cli(*command)
    assert done.returncode == 0, done.stderr
    assert len(times) >= 30 and all(shard.stat().st_mtime_ns == when for shard, when in times.items())
    convert(path, tmp_path / "whole", Facts(), 0, 0, 12)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
    assert len(content(tmp_path / "whole")) == 102  # 100 shards, labels, index
    convert(path, tmp_path / "whole", Facts(), 0, 0, 12)  # what is finished is left as it is
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_a_folder_of_something_else_is_not_written_over(tmp_path):
    source = stores.repa(tmp_path / "store", stores.source())
    convert(source, tmp_path / "shards", Facts(), 0, 0, 8)
    for given, held_out, shard in ((Facts(vae_input=(0.0, 1.0)), 0, 8), (Facts(), 4, 8), (Facts(), 0, 5)):
        with pytest.raises(UserError, match="holds latents of something else, or made otherwise; name another folder"):
            convert(source, tmp_path / "shards", given, 0, held_out, shard)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("kept")
    with pytest.raises(UserError, match=r"holds mine\.txt, and no latents that were begun; name another folder"):
        convert(source, tmp_path / "notes", Facts(), 0, 0, 8)
    with pytest.raises(UserError, match="is the source itself"):
        convert(tmp_path / "shards", tmp_path / "shards", Facts(), 0, 0, 8)
    with pytest.raises(UserError, match=r"--held-out is 20; allowed: from 0 to less than the 20 examples"):
        convert(source, tmp_path / "other", Facts(), 0, 20, 8)


@pytest.mark.parametrize("name", ["00001.npy", "labels.npy"])
@pytest.mark.parametrize("change", ["cut", "flipped", "gone"])
def test_a_shard_that_is_not_what_was_written_is_named(tmp_path, name, change):
    convert(stores.repa(tmp_path / "store", stores.source()), tmp_path / "shards", Facts(), 0, 0, 8)
    path = tmp_path / "shards" / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 255
    path.write_bytes(data[:-1] if change == "cut" else data)
    if change == "gone":
        path.unlink()
    said = {"cut": "bytes where its index says", "gone": "is missing", "flipped": "by its hash"}[change]
    layout = open_layout(tmp_path / "shards")
    with pytest.raises(UserError, match=rf"{name}: .*({said}|by its hash).*; copy it anew"):
        layout.verify()
        layout.verify_hashes()


def test_what_half_precision_cannot_hold_is_refused(tmp_path):
    source = stores.source()
    source.mean[3] = 7e4
    with pytest.raises(UserError, match=r"a latent is larger than 65504 or no number"):
        convert(stores.repa(tmp_path / "store", source), tmp_path / "shards", Facts(vae_input=(0.0, 1.0)), 0, 0, 8)
