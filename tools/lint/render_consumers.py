#!/usr/bin/env python3
"""Renders server/domain/CONSUMERS.md from consumers.json. With --check it
writes nothing and fails where both differ; run so by ctest."""
import json
import pathlib
import sys

ROOM = pathlib.Path(__file__).resolve().parents[2] / "server" / "domain"

HEAD = """# Verifiers, and how long each accepts a key that has left the key set

Rendered from `consumers.json` by `tools/lint/render_consumers.py`; change the
JSON. From this table Warder computes until when a gateway may still accept a
revoked key (`horizon.h`).

- **reaches us**: the longest time while it can fetch the key set. *max-age*:
  the max-age that the issuer's policy sets. *token expiry*: until the last
  token it has seen expires.
- **cut off**: the longest time while it cannot. *unbounded* is said as such.
- **unknown kid**: what a token with an unknown `kid` makes it do: *replaces*
  its set by a fresh one, *adds* to it, or *ignored*.
- **refuses the set**: one key of an unknown kind makes it keep its old set.
- **basis**: its *source* was read, its *vendor* says so, or it is *inferred*.

"""


def bound(value):
    kind, text = next(iter(value.items()))
    if kind == "within":
        return text
    if kind == "max_age_or":
        return "max-age" if text == "0s" else f"max-age, at least {text}"
    if kind == "token_expiry":
        return "token expiry"
    return f"**unbounded**: {text}"


def render(rows):
    lines = [HEAD.rstrip("\n"), ""]
    lines.append("| kind | verifier | versions | caches (setting) | reaches us |"
                 " cut off | unknown kid | EdDSA | refuses the set | basis,"
                 " date |")
    lines.append("|" + "---|" * 10)
    for row in rows:
        cache = row["default_cache"]
        if row.get("cache_setting"):
            cache += f" ({row['cache_setting']})"
        kid = row["unknown_kid"]
        if row.get("acknowledges"):
            kid = "never needed: acknowledges"
        if row.get("cooldown"):
            kid += f", once in {row['cooldown']}"
        cells = [f"`{row['id']}`", row["name"], row["versions"], cache,
                 bound(row["healthy"]), bound(row["down"]), kid,
                 "yes" if row["reads_eddsa"] else "no",
                 "yes" if row["unknown_key_refuses_set"] else "no",
                 f"{row['basis']}, {row['checked']}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "## Sources and remarks", ""]
    for row in rows:
        remark = f"; {row['notes']}" if row.get("notes") else ""
        lines.append(f"- `{row['id']}`: {row['source']}{remark}")
    return "\n".join(lines) + "\n"


def main():
    rows = json.loads((ROOM / "consumers.json").read_text())["consumers"]
    names = [row["id"] for row in rows]
    if len(set(names)) != len(names):
        sys.exit("consumers.json: two rows have one id")
    text = render(rows)
    target = ROOM / "CONSUMERS.md"
    if "--check" not in sys.argv:
        target.write_text(text)
        return
    if not target.exists() or target.read_text() != text:
        sys.exit("CONSUMERS.md is not what consumers.json says; run "
                 "tools/lint/render_consumers.py")


if __name__ == "__main__":
    main()
