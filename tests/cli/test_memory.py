"""A command keeps the memory that tensors freed: what one step leaves, the next one takes without asking the system."""

import re
import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from sprint.cli.main import keep_memory
torch.set_num_threads(1)
{call}
x = torch.ones(16, 2**17)

def step():
    kept = [x * 2 for _ in range(4)]
    return kept[-1] + 1

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    step()
print("faults", resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(call: str) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT.format(call=call)], capture_output=True, text=True, check=True)
    return int(re.search(r"faults (\d+)", done.stdout).group(1))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc")
def test_steps_of_tensors_of_megabytes_fault_their_memory_in_once():
    given_back = faults("pass")
    assert given_back > 10 * 100, "the test shows nothing: memory is kept anyway"
    assert faults("keep_memory()") < given_back / 10
