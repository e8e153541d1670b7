"""An engine's core ends with its replica, also one that is killed and whose fork server lives on."""

import subprocess
import sys

import psutil
from command_runs import ROOT
from support import wait_until

REPLICA = """
import multiprocessing, time
from serve_deployments.orphans import end_with_parent

def core(told):
    end_with_parent()
    told.send(multiprocessing.current_process().pid)
    time.sleep(3600)

if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    here, there = context.Pipe()
    context.Process(target=core, args=(there,)).start()
    print(here.recv(), flush=True)
    time.sleep(3600)
"""


def test_a_core_ends_with_the_replica_that_was_killed(tmp_path) -> None:
    script = tmp_path / "replica.py"
    script.write_text(REPLICA)
    replica = subprocess.Popen([sys.executable, script], env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
    assert replica.stdout is not None
    core = psutil.Process(int(replica.stdout.readline()))
    replica.kill()
    replica.wait()
    replica.stdout.close()
    wait_until(lambda: not core.is_running() or core.status() == psutil.STATUS_ZOMBIE, "the core to end")
