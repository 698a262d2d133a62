"""OCI runtimes on one and the same bundle: what an engine asks of them, timed."""
import json
import os
import shutil
import statistics
import subprocess

from engines import seccomp
from measure import NULL, at_once, quiet, wall


class Runtime:
    """A runtime's program with bundles and a state directory of its own. `writer` is the runtime whose spec all of them get."""

    def __init__(self, name, program, writer, home):
        self.name, self.program, self.home = name, program, home
        self.client = [program, "--root", f"/run/oci-{name}"]
        self.number = 0
        self._bundle(writer, "plain", ["/bin/true"], False)
        self._bundle(writer, "filtered", ["/bin/true"], True)
        self._bundle(writer, "long", ["/bin/sleep", "100000"], True)

    def _bundle(self, writer, which, arguments, filtered):
        rootfs = self.home / which / "rootfs"
        for directory in ("bin", "proc", "sys", "dev", "etc"):
            (rootfs / directory).mkdir(parents=True)
        shutil.copy("/bin/busybox", rootfs / "bin" / "busybox")
        for applet in ("true", "sleep"):
            os.symlink("busybox", rootfs / "bin" / applet)
        subprocess.run([writer, "spec"], cwd=self.home / which, check=True)
        path = self.home / which / "config.json"
        config = json.loads(path.read_text())
        config["process"].update(terminal=False, args=arguments, rlimits=[], noNewPrivileges=False)
        config["root"]["readonly"] = False
        if filtered:
            config["linux"]["seccomp"] = seccomp(config["process"]["capabilities"]["bounding"])
        path.write_text(json.dumps(config))

    def run(self, bundle):
        return [*self.client, "run", "--bundle", str(self.home / bundle), f"{self.name}-once"]

    def lifecycle(self):
        """Milliseconds of the three commands together."""
        return 1000 * (wall([*self.client, "create", "--bundle", str(self.home / "filtered"), f"{self.name}-life"])
                       + wall([*self.client, "start", f"{self.name}-life"]) + wall([*self.client, "delete", "-f", f"{self.name}-life"]))

    def start_sleeper(self):
        subprocess.run([*self.client, "run", "-d", "--bundle", str(self.home / "long"), f"{self.name}-sleeper"], stdin=NULL, stdout=NULL, stderr=NULL, check=True)

    def stop_sleeper(self):
        quiet([*self.client, "delete", "-f", f"{self.name}-sleeper"])

    def execute(self):
        return [*self.client, "exec", f"{self.name}-sleeper", "/bin/true"]

    def creates(self, count, width):
        """Seconds for that many creates; they are deleted afterwards."""
        seconds = at_once(lambda i: [*self.client, "create", "--bundle", str(self.home / "filtered"), f"{self.name}-{i}"], count, width)
        for i in range(count):
            quiet([*self.client, "delete", "-f", f"{self.name}-{i}"])
        return seconds

    def peak(self):
        """KiB at the most. busybox, because a process counts what its parent was before execve; it takes KiB for pages of 4 KiB."""
        def once():
            said = subprocess.run(["busybox", "time", "-f", "%M", *self.run("filtered")], stdin=NULL, stdout=NULL, stderr=subprocess.PIPE, text=True, check=True).stderr
            return int(said.split()[-1]) / 4
        return statistics.median(once() for _ in range(5))
