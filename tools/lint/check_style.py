#!/usr/bin/env python3
"""What a reader may rely on and no compiler checks. Run by ctest.

  - lengths: 500 lines a file, 800 a test, or the header says why
  - header guards named after the path
  - time, chance and sleep only in their homes
  - no statement text built near prepare
  - every room has a README of at most 40 lines
  - every Reason stands in proto/README.md and the other way round
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BAD = []

# Pattern -> files where it may stand.
HOMES = {
    r"absl::Now\(|system_clock::now|steady_clock::now|\bgettimeofday\b":
        ["server/base/clock.cc"],
    r"\brand\(|\bsrand\(|std::random_device|std::mt19937": [],
    r"RAND_bytes|RAND_priv_bytes":
        ["server/crypto/system_random.cc", "server/crypto/seal.cc",
         "server/crypto/certificate.cc"],
    r"sleep_for|\bsleep\(|\busleep\(": ["client/cli/context.cc"],
    r"absl::Mutex\b": ["server/base/mutex.h"],
    r"\bTODO\b|\bFIXME\b|\bXXX\b": [],
    # Must...: tests only. Key states have the proto's names and no others.
    r"\bMust[A-Z]\w*\(": [],
    # account-disabled is RISC's name of an event.
    r"(?<!account-)\bdisabled\b|\bdeactivated\b": [],
}


def sources(*tops):
    for top in tops:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".h", ".cc", ".proto", ".py", ".sql"):
                yield path, path.relative_to(ROOT).as_posix()


def check_lengths():
    for path, name in sources("server", "client", "proto", "tests", "tools"):
        lines = path.read_text().count("\n")
        most = 800 if name.startswith("tests/") else 500
        if lines > most and "Longer than" not in path.read_text()[:2000]:
            BAD.append(f"{name}: {lines} lines, at most {most}")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if len(line) > 100 and path.suffix in (".h", ".cc") and \
                    "http" not in line and 'R"(' not in line:
                BAD.append(f"{name}:{number}: {len(line)} columns")


def check_guards():
    for path, name in sources("server", "client", "tests"):
        if path.suffix != ".h" or path.name == "pch.h":
            continue
        guard = "WARDER_" + re.sub(r"[/.]", "_", name).upper() + "_"
        if f"#ifndef {guard}\n#define {guard}\n" not in path.read_text():
            BAD.append(f"{name}: its guard is not {guard}")


def check_homes():
    for path, name in sources("server", "client"):
        text = re.sub(r"//.*", "", path.read_text())
        for pattern, homes in HOMES.items():
            if name not in homes and re.search(pattern, text):
                BAD.append(f"{name}: {pattern} has no home here")


def check_sql():
    for path, name in sources("server/storage"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "prepare <<" in line and ("StrCat" in line or "+" in line):
                BAD.append(f"{name}:{number}: statement text is built here")


def check_readmes():
    rooms = [p.parent for p in (ROOT / "server").glob("*/CMakeLists.txt")]
    for room in rooms + [ROOT / "client", ROOT / "client/cli", ROOT / "proto"]:
        readme = room / "README.md"
        name = readme.relative_to(ROOT)
        if not readme.exists():
            BAD.append(f"{name}: is missing")
        elif room != ROOT / "proto" and readme.read_text().count("\n") > 40:
            BAD.append(f"{name}: more than 40 lines")


def check_reasons():
    code = (ROOT / "server/base/error.cc").read_text()
    known = set(re.findall(r'return "([A-Z_]+)";', code))
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|",
                            (ROOT / "proto/README.md").read_text(), re.M))
    for reason in sorted(known ^ listed):
        BAD.append(f"proto/README.md: {reason} stands on one side only")


def main():
    check_lengths()
    check_guards()
    check_homes()
    check_sql()
    check_readmes()
    check_reasons()
    for line in BAD:
        print(line)
    print(f"{len(BAD)} findings")
    return 1 if BAD else 0


if __name__ == "__main__":
    sys.exit(main())
