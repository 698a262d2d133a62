"""Debian packages as files: which ones are needed, and what is in them."""
import pathlib
import subprocess
import tarfile


def _apt(cache, *arguments, **options):
    """apt-get against an empty system: it resolves as if nothing were installed. Uses the machine's package lists."""
    (cache / "partial").mkdir(parents=True, exist_ok=True)
    status = cache / "status"
    status.touch()
    command = ["apt-get", "-qq", "-y", "--no-install-recommends",
               "-o", f"Dir::State::status={status}", "-o", f"Dir::Cache::archives={cache}", "-o", "Debug::NoLocking=1",
               "-o", "APT::Sandbox::User=root", *arguments]
    return subprocess.run(command, check=True, **options)


def closure(cache, packages):
    """The .deb files of the packages and of all that they depend on, downloaded, in apt's order."""
    # --print-uris leaves out what is in the cache already: it is shown an empty one.
    listing = _apt(cache / "empty", "--print-uris", "install", *packages, capture_output=True, text=True).stdout
    names = [line.split()[1] for line in listing.splitlines() if line.startswith("'")]
    if any(not (cache / name).exists() for name in names):
        _apt(cache, "--download-only", "install", *packages, stdout=subprocess.DEVNULL)
    return [cache / name for name in names]


def members(deb: pathlib.Path):
    """Yields (TarInfo, file or None) of a package's files, in its own order."""
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
        for member in archive:
            yield member, archive.extractfile(member) if member.isreg() else None
    process.stdout.close()
    if process.wait() != 0:
        raise RuntimeError(f"dpkg-deb cannot read {deb}")
