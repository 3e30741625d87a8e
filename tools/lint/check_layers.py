#!/usr/bin/env python3
"""Holds includes to the floors of the house: a room includes what its row
allows, and nothing else. Run by ctest."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Rooms, and what a file in them may include of ours.
ROOMS = {
    "server/base": [],
    "server/domain": ["server/base"],
    "server/app": ["server/domain", "server/ledger", "server/base"],
    "server/crypto": ["server/base"],
    "server/jose": ["server/crypto", "server/base"],
    "server/ledger": ["server/crypto", "server/base"],
    "server/vault": ["server/app", "server/domain", "server/jose",
                     "server/crypto", "server/base"],
    "server/storage": ["server/app", "server/domain", "server/base"],
    "server/http/wire": ["server/base"],
    "server/http": ["server/http/wire", "server/app", "server/base"],
    "server/signals": ["server/app", "server/jose", "server/base"],
    "server/rpc": ["server/app", "server/domain", "server/base", "warder/v1"],
    "server/main": ["server/app", "server/base", "server/crypto",
                    "server/domain", "server/http", "server/http/wire",
                    "server/http/scim", "server/jose", "server/ledger",
                    "server/rpc", "server/signals", "server/storage",
                    "server/vault"],
    "client/verify": ["server/base", "server/crypto", "server/jose"],
    "client": ["client/verify", "server/base", "server/crypto", "server/jose",
               "server/ledger", "warder/v1"],
    "client/agent": ["client", "client/verify", "server/base", "server/crypto",
                     "server/http/wire"],
    "client/cli": ["client", "server/base", "server/crypto", "server/jose",
                   "warder/v1"],
}

# Libraries that stay behind doors: prefix -> rooms (or files) that may.
LIBRARIES = {
    "openssl/": ["server/crypto"],
    "soci/": ["server/storage"],
    "curl/": ["server/signals"],
    "grpc": ["server/rpc", "client"],
    "google/protobuf/": ["server/rpc", "client", "client/cli"],
    "boost/": ["server/http", "client/http_get.cc"],
    "spdlog/": ["server/base/log.cc"],
    "nlohmann/": ["server/base/strict_json.h"],
    "prometheus/": ["server/base/metrics.cc"],
    "yaml-cpp/": ["server/base/settings.cc", "client/profile.cc"],
    "CLI/": ["server/main/main.cc", "client/agent/main.cc", "client/cli"],
    "absl/synchronization": ["server/base/lock_cycles.cc"],
    "absl/log": [],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)


def room_of(path):
    parts = path.parent.as_posix()
    while parts and parts not in ROOMS:
        parts = parts.rpartition("/")[0]
    return parts


def allowed_library(path, include):
    for prefix, homes in LIBRARIES.items():
        if include.startswith(prefix):
            name = path.as_posix()
            return any(name == home or name.startswith(home + "/")
                       for home in homes)
    return True


def allowed_room(room, include):
    target = pathlib.PurePosixPath(include).parent.as_posix()
    if target not in ROOMS and not target.startswith("warder/"):
        return True
    return target == room or target in ROOMS[room]


def main():
    bad = []
    files = [p for top in ("server", "client")
             for p in (ROOT / top).rglob("*") if p.suffix in (".h", ".cc")]
    for file in files:
        path = file.relative_to(ROOT)
        room = room_of(path)
        if not room:
            bad.append(f"{path}: stands in no room")
            continue
        for include in INCLUDE.findall(file.read_text()):
            if not allowed_room(room, include):
                bad.append(f"{path}: {room} may not include {include}")
            if not allowed_library(path, include):
                bad.append(f"{path}: {include} stays behind its door")
    for line in bad:
        print(line)
    print(f"{len(files)} files, {len(bad)} breaches")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
