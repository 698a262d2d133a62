"""Layers: from a recipe's [[layer]] tables to compressed tars with their digests."""
import concurrent.futures
import dataclasses
import hashlib
import io
import os
import pathlib
import random
import subprocess
import tarfile

from . import debs

EPOCH = 1704067200  # 2024-01-01: every file and every image has this time, so that two builds give the same bytes
MEDIA = {"gzip": "application/vnd.oci.image.layer.v1.tar+gzip", "zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
         "none": "application/vnd.oci.image.layer.v1.tar"}
PACK = {"gzip": ["gzip", "-6", "-n", "-c"], "zstd": ["zstd", "-3", "-q", "-c"], "none": ["cat"]}
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclasses.dataclass
class Layer:
    """A finished layer: where its blob is, and how the manifest and the config call it."""
    path: pathlib.Path
    media_type: str
    digest: str
    size: int
    diff_id: str


class LayerTar:
    """A tar that is hashed and compressed on its way to a file. Paths are relative, without a leading ./"""

    def __init__(self, path, compression, known):
        self._path, self._compression, self._known = path, compression, known
        self._hash, self._names = hashlib.sha256(), set()
        self._file = open(path, "wb")
        self._packer = subprocess.Popen(PACK[compression], stdin=subprocess.PIPE, stdout=self._file)
        self._tar = tarfile.open(fileobj=self, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 16)

    def write(self, data):
        self._hash.update(data)
        self._packer.stdin.write(data)
        return len(data)

    def add(self, member, content=None):
        """Adds one entry; a directory that this layer or one below has already is left out."""
        if member.name in self._names or member.isdir() and member.name in self._known:
            return
        self._names.add(member.name)
        if member.isdir():
            self._known.add(member.name)
        member.mtime = EPOCH
        member.pax_headers = {}
        self._tar.addfile(member, content)

    def entry(self, name, kind=tarfile.REGTYPE, mode=0o644, uid=0, gid=0, link="", data=b""):
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.uid, member.gid, member.linkname, member.size = kind, mode, uid, gid, link, len(data)
        self.add(member, io.BytesIO(data) if kind == tarfile.REGTYPE else None)

    def parents(self, name):
        for parent in reversed(pathlib.PurePosixPath(name).parents):
            if str(parent) != ".":
                self.entry(str(parent), tarfile.DIRTYPE, 0o755)

    def close(self):
        self._tar.close()
        self._packer.stdin.close()
        if self._packer.wait() != 0:
            raise RuntimeError(f"{PACK[self._compression][0]} failed")
        self._file.close()
        digest = hashlib.sha256()
        with open(self._path, "rb") as blob:
            while chunk := blob.read(1 << 20):
                digest.update(chunk)
        return Layer(self._path, MEDIA[self._compression], "sha256:" + digest.hexdigest(), self._path.stat().st_size,
                     "sha256:" + self._hash.hexdigest())


def merged(name):
    """A path on a system where /bin, /sbin and /lib are links into /usr."""
    head, slash, rest = name.partition("/")
    return f"usr/{head}{slash}{rest}" if head in MERGED else name


def _packages(tar, files):
    for deb in files:
        for member, content in debs.members(deb):
            name = member.name.removeprefix("./").rstrip("/")
            if name in ("", "."):
                continue
            member.name = merged(name)
            if member.islnk():
                member.linkname = merged(member.linkname.removeprefix("./"))
            if member.isdir() and name in MERGED:
                member.mode = 0o755
            member.uname = member.gname = ""
            tar.add(member, content)


def _users(tar, users):
    """users: "name:uid:gid:home" """
    passwd, group = ["root:x:0:0:root:/root:/bin/sh"], ["root:x:0:"]
    for user in [*users, "nobody:65534:65534:/nonexistent"]:
        name, uid, gid, home = user.split(":")
        passwd.append(f"{name}:x:{uid}:{gid}::{home}:/usr/sbin/nologin")
        group.append(f"{name}:x:{gid}:")
    tar.parents("etc/passwd")
    tar.entry("etc/passwd", data=("\n".join(passwd) + "\n").encode())
    tar.entry("etc/group", data=("\n".join(group) + "\n").encode())


def _tree(tar, top):
    """A directory of the recipe, file by file; an executable stays one."""
    if not top.is_dir():
        raise FileNotFoundError(f"{top}: the recipe names this directory of files")
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if path.is_symlink():
            tar.entry(name, tarfile.SYMTYPE, 0o777, link=os.readlink(path))
        elif path.is_dir():
            tar.entry(name, tarfile.DIRTYPE, 0o755)
        else:
            tar.entry(name, mode=0o755 if os.access(path, os.X_OK) else 0o644, data=path.read_bytes())


def _busybox(tar):
    """The machine's static busybox, as /bin/busybox and as every command it can be."""
    program = pathlib.Path("/bin/busybox")
    tar.parents("bin/busybox")
    tar.entry("bin/busybox", mode=0o755, data=program.read_bytes())
    for applet in sorted(subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()):
        if applet != "busybox":
            tar.entry(f"bin/{applet}", tarfile.SYMTYPE, 0o777, link="busybox")


def _build(spec, directory, output, files, known, number):
    tar = LayerTar(output / f".layer{number}.{os.getpid()}", spec.get("compression", "gzip"), known)
    if spec.get("merge_usr"):
        for name in ("bin", "sbin", "lib", "lib64"):
            tar.entry(f"usr/{name}", tarfile.DIRTYPE, 0o755)
            tar.entry(name, tarfile.SYMTYPE, 0o777, link=f"usr/{name}")
    for line in spec.get("directories", []):
        name, mode, owner = line.split()
        tar.parents(name)
        uid, gid = map(int, owner.split(":"))
        tar.entry(name, tarfile.DIRTYPE, int(mode, 8), uid, gid)
    if spec.get("busybox"):
        _busybox(tar)
    if "users" in spec:
        _users(tar, spec["users"])
    if "files" in spec:
        _tree(tar, directory / spec["files"])
    for name, text in spec.get("text", {}).items():
        tar.parents(name)
        tar.entry(name, data=text.encode())
    for name, target in spec.get("links", {}).items():
        tar.parents(name)
        tar.entry(name, tarfile.SYMTYPE, 0o777, link=target)
    for name, size in spec.get("noise", {}).items():  # incompressible, and the same each time
        tar.parents(name)
        tar.entry(name, data=random.Random(name).randbytes(size))
    _packages(tar, files)
    return tar.close()


def build_layers(recipe, directory, output):
    """All layers of a recipe, two at a time. Packages that a layer below has brought are not repeated."""
    specs = recipe.get("layer", [])
    if "repeat" in recipe:  # N further layers, each with a file of its own and one that all of them overwrite
        specs = specs + [{"text": {f"layers/{i:03}": f"{i}\n", "layers/last": f"{i}\n"}} for i in range(1, recipe["repeat"] + 1)]
    wanted, seen, known, plans = [], set(), set(), []
    for spec in specs:
        wanted += spec.get("packages", [])
        files = debs.closure(output / "debs", wanted) if spec.get("packages") else []
        plans.append((spec, [f for f in files if f.name not in seen]))
        seen.update(f.name for f in files)
    if not any(spec.get("packages") for spec in specs):
        return [_build(spec, directory, output, files, known, i) for i, (spec, files) in enumerate(plans)]
    # In parallel no layer knows the others' directories: each carries its own, as layers of real builders do.
    with concurrent.futures.ProcessPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        tasks = [pool.submit(_build, spec, directory, output, files, set(), i) for i, (spec, files) in enumerate(plans)]
        return [task.result() for task in tasks]
