"""An archive of one image: an OCI image layout, and beside it the manifest.json that older `docker load` wants, as docker save writes both."""
import hashlib
import io
import json
import platform
import tarfile

from .layers import EPOCH

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CREATED = "2024-01-01T00:00:00Z"


def _json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _blob(data, media_type):
    return {"mediaType": media_type, "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}


def write_archive(path, name, recipe, layers):
    """Writes the archive and removes the layers' own files."""
    settings = dict(recipe.get("config", {}))
    settings.setdefault("Env", ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
    if "Volumes" in settings:
        settings["Volumes"] = {volume: {} for volume in settings["Volumes"]}
    config = _json({
        "architecture": recipe.get("architecture", ARCHITECTURES.get(platform.machine(), platform.machine())), "os": "linux",
        "created": CREATED, "config": settings, "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": CREATED, "created_by": f"rootfs-fixtures/{name}"} for _ in layers],
    })
    config_blob = _blob(config, "application/vnd.oci.image.config.v1+json")
    manifest = _json({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config_blob,
        "layers": [{"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in layers],
    })
    tag = recipe.get("tag", "latest")
    manifest_blob = _blob(manifest, "application/vnd.oci.image.manifest.v1+json")
    index = _json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {**manifest_blob, "annotations": {"org.opencontainers.image.ref.name": tag,
                                          "io.containerd.image.name": f"docker.io/library/{name}:{tag}"}}]})
    docker = _json([{"Config": "blobs/sha256/" + config_blob["digest"][7:], "RepoTags": [f"{name}:{tag}"],
                     "Layers": ["blobs/sha256/" + layer.digest[7:] for layer in layers]}])
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        def add(entry, size, content):
            member = tarfile.TarInfo(entry)
            member.size, member.mtime, member.mode = size, EPOCH, 0o644
            tar.addfile(member, content)
        for directory in ("blobs", "blobs/sha256"):
            member = tarfile.TarInfo(directory)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, EPOCH
            tar.addfile(member)
        layout = b'{"imageLayoutVersion":"1.0.0"}'
        add("oci-layout", len(layout), io.BytesIO(layout))
        add("index.json", len(index), io.BytesIO(index))
        add("manifest.json", len(docker), io.BytesIO(docker))
        written = set()
        for blob, data in ((manifest_blob, manifest), (config_blob, config)):
            add("blobs/sha256/" + blob["digest"][7:], len(data), io.BytesIO(data))
        for layer in layers:
            if layer.digest not in written:
                with open(layer.path, "rb") as content:
                    add("blobs/sha256/" + layer.digest[7:], layer.size, content)
                written.add(layer.digest)
            layer.path.unlink()
