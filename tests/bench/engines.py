"""The contestants: how each is started, asked and ended. One class an engine; commands it does not have are None."""
import json
import os
import pathlib
import shutil
import subprocess
import time

from measure import NULL, memory, processes, quiet

PRIVATE = ("Private_Dirty",)  # clean pages are the program file, which others of its kind share


def wait_for(path, process, seconds=30):
    limit = time.monotonic() + seconds
    while not pathlib.Path(path).exists():
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"{process.args[0]} does not come up")
        time.sleep(0.02)


def smallest(name):
    """Private KiB of the smallest living process of that name; zombies have no memory to read."""
    sizes = []
    for pid in processes(name):
        try:
            sizes.append(memory(pid, *PRIVATE))
        except OSError:
            pass
    return min((size for size in sizes if size), default=None)


class Engine:
    """What daemons with a docker-like client have in common."""
    environment = None
    client = ()

    def run_command(self, *network):
        return [*self.client, "run", "--rm", *(network or ("--network", "none")), "busybox", "true"]

    def make_network(self):
        """A bridge network for the rows that need one; False: this engine has none."""
        quiet([*self.client, "network", "create", "bench"], self.environment)
        return True

    def start_sleeper(self):
        quiet([*self.client, "run", "-d", "--name", "sleeper", "--network", "none", "busybox", "sleep", "100000"], self.environment)

    def stop_sleeper(self):
        quiet([*self.client, "rm", "-f", "sleeper"], self.environment)

    def exec_command(self):
        return [*self.client, "exec", "sleeper", "true"]

    def ps_command(self):
        return [*self.client, "ps"]

    def detached_command(self, network="none"):
        return lambda i: [*self.client, "run", "-d", "--network", network, "busybox", "sleep", "100000"]

    def remove_all(self):
        ids = quiet([*self.client, "ps", "-aq"], self.environment).split()
        if ids:
            quiet([*self.client, "rm", "-f", *ids], self.environment)

    def pull_command(self, reference):
        return [*self.client, "pull", "-q", reference]

    unlimited_log = ()

    def writer_command(self, lines):
        return [*self.client, "run", "-d", *self.unlimited_log, "--name", "writer", "--network", "none", "-v", f"{lines}:/lines:ro", "busybox",
                "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do cat /lines; done"]

    def stream(self, lines):
        """MB/s of 1 GB into the log, from the start to the known end, and of what logs gives back."""
        start = time.perf_counter()
        quiet(self.writer_command(lines), self.environment)
        quiet([*self.client, "wait", "writer"], self.environment)
        written = 1000 / (time.perf_counter() - start)
        start = time.perf_counter()
        logs = subprocess.Popen([*self.client, "logs", "writer"], env=self.environment, stdin=NULL, stdout=subprocess.PIPE, stderr=NULL)
        size = 0
        while chunk := os.read(logs.stdout.fileno(), 1 << 20):
            size += len(chunk)
        logs.wait()
        read = size / 1e6 / (time.perf_counter() - start)
        quiet([*self.client, "rm", "-f", "writer"], self.environment)
        return written, read


class Bundt(Engine):
    unlimited_log = ("--log-opt", "max-size=-1")

    def __init__(self, out, work, archive, name="bundt", arguments=()):
        home = work / name
        home.mkdir()
        self.environment = {**os.environ, "BUNDT_HOST": f"unix://{home}/s"}
        self.client = [str(out / "bin" / "bundt")]
        self.log = open(home / "log", "w")
        self.daemon = subprocess.Popen([out / "bin" / "bundtd", "--root", home / "root", "--run", f"/run/{name}", "--bridge", "none", *arguments, "--socket", home / "s"],
                                       stdin=NULL, stdout=self.log, stderr=self.log)
        wait_for(home / "s", self.daemon)
        quiet([*self.client, "load", "-i", archive], self.environment)
        self.version = quiet([*self.client, "--version"], self.environment)

    def resident(self):
        return memory(self.daemon.pid, "Rss")

    def monitor(self):
        return smallest("bundt-monitor") or smallest("bundt:") or smallest("bundt-launcher")

    def end(self):
        self.remove_all()
        self.daemon.terminate()
        self.daemon.wait()


class Docker(Engine):
    """dockerd with directories of its own; the newest that was brought runs with its own libraries and helpers."""

    def __init__(self, peers, work, archive):
        home = work / "docker"
        new = peers / "new" / "bin"
        dockerd = str(new / "dockerd") if (new / "dockerd").exists() else shutil.which("dockerd")
        if not dockerd or not shutil.which("docker"):
            raise RuntimeError("no dockerd or no docker client")
        home.mkdir()
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{home}/s", "PATH": f"{new}:{os.environ['PATH']}"}
        self.client = [shutil.which("docker")]
        self.log = open(home / "log", "w")
        self.daemon = subprocess.Popen(
            [dockerd, "--data-root", home / "root", "--exec-root", "/run/docker", "-p", home / "pid", "-H", f"unix://{home}/s", "--bridge", "none",
             "--insecure-registry", "127.0.0.1:5000"], env=self.environment, stdin=NULL, stdout=self.log, stderr=self.log)
        wait_for(home / "s", self.daemon)
        self.version = "docker " + quiet([*self.client, "version", "-f", "{{.Server.Version}}"], self.environment)
        quiet([*self.client, "load", "-i", archive], self.environment)

    def resident(self):
        return sum(memory(pid, "Rss") for pid in [self.daemon.pid, *processes("containerd")] if not pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("containerd-shim"))

    def monitor(self):
        return smallest("containerd-shim")

    def end(self):
        self.remove_all() if quiet([*self.client, "ps", "-aq"], self.environment) else None
        self.daemon.terminate()
        self.daemon.wait()


class Podman(Engine):
    def __init__(self, peer, work, archive):
        podman = peer("podman")
        if not podman:
            raise RuntimeError("not installed")
        home = work / "podman"
        home.mkdir()
        (home / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        conf = home / "containers.conf"
        conf.write_text(f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "crun"\nconmon_path = ["{peer("conmon")}"]\n'
                        f'helper_binaries_dir = ["{pathlib.Path(podman).parent}", "/usr/lib/podman"]\n'
                        f'[engine.runtimes]\ncrun = ["{peer("crun")}"]\n[containers]\nlog_driver = "k8s-file"\npids_limit = 0\n')
        (home / "registries.conf").write_text('unqualified-search-registries = ["localhost"]\n[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n')
        self.environment = {**os.environ, "CONTAINERS_CONF": str(conf), "CONTAINERS_REGISTRIES_CONF": str(home / "registries.conf")}
        self.client = [podman, "--root", str(home / "root"), "--runroot", "/run/podman", "--storage-driver", "overlay"]
        self.version = "podman " + quiet([podman, "--version"]).split()[-1]
        quiet([*self.client, "load", "-i", archive], self.environment)
        quiet(self.run_command(), self.environment)

    def resident(self):
        return None

    def monitor(self):
        return smallest("conmon")

    def end(self):
        self.remove_all() if quiet([*self.client, "ps", "-aq"], self.environment) else None


class OciRuntime(Engine):
    """crun or runc on a bare bundle: the same namespaces and the same seccomp filter, and nothing else that an engine does."""

    def __init__(self, name, program, work):
        if not program:
            raise RuntimeError("not installed")
        self.name, self.program, self.home = name, program, work / name
        self.version = f"{name} " + quiet([program, "--version"]).splitlines()[0].split()[-1]
        self._bundle("once", ["true"])
        self._bundle("long", ["sleep", "100000"])
        self.client = [program, "--root", f"/run/{name}"]
        self.number = 0

    def _bundle(self, which, arguments):
        bundle = self.home / which
        binaries = bundle / "rootfs" / "bin"
        binaries.mkdir(parents=True)
        for directory in ("proc", "sys", "dev", "etc"):
            (bundle / "rootfs" / directory).mkdir()
        shutil.copy("/bin/busybox", binaries / "busybox")
        for applet in ("true", "sleep", "sh"):
            os.symlink("busybox", binaries / applet)
        subprocess.run([self.program, "spec"], cwd=bundle, check=True)
        config = json.loads((bundle / "config.json").read_text())
        config["process"].update(terminal=False, args=arguments, rlimits=[])
        config["linux"]["seccomp"] = seccomp(config["process"]["capabilities"]["bounding"])
        config["linux"].pop("resources", None)
        (bundle / "config.json").write_text(json.dumps(config))

    def run_command(self):
        return [*self.client, "run", "--bundle", str(self.home / "once"), f"{self.name}-once"]

    def make_network(self):
        return False

    def start_sleeper(self):
        with open(self.home / "log", "w") as log:
            subprocess.run([*self.client, "run", "-d", "--bundle", str(self.home / "long"), f"{self.name}-long"], stdin=NULL, stdout=log, stderr=log, check=True)

    def stop_sleeper(self):
        quiet([*self.client, "delete", "-f", f"{self.name}-long"])

    def exec_command(self):
        return [*self.client, "exec", f"{self.name}-long", "true"]

    def ps_command(self):
        return None

    def detached_command(self):
        return None

    def writer_command(self, lines):
        return None

    def pull_command(self, reference):
        return None

    def resident(self):
        return None

    def monitor(self):
        return None

    def end(self):
        pass


def seccomp(capabilities, profile="/usr/share/containers/seccomp.json"):
    """A profile in Docker's form (Debian's copy of it), resolved for these capabilities into an OCI filter."""
    source = json.loads(pathlib.Path(profile).read_text())
    rules = []
    for rule in source["syscalls"]:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if any(c not in capabilities for c in includes.get("caps", [])) or any(c in capabilities for c in excludes.get("caps", [])):
            continue
        if includes.get("arches") and not {"amd64", "x86_64"} & set(includes["arches"]) or {"amd64", "x86_64"} & set(excludes.get("arches", [])):
            continue
        entry = {"names": rule.get("names") or [rule["name"]], "action": rule["action"]}
        if rule.get("args"):
            entry["args"] = rule["args"]
        if rule.get("errnoRet") is not None:
            entry["errnoRet"] = rule["errnoRet"]
        rules.append(entry)
    return {"defaultAction": source["defaultAction"], "defaultErrnoRet": source.get("defaultErrnoRet", 1),
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "syscalls": rules}
