#!/usr/bin/env python3
"""Holds the samples of tools/deploy to what the programs tell and take: every
metric they name exists, every alert says what to do next. Run by ctest."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
METRIC = re.compile(r"\bwarder_[a-z_]+")


def main():
    known = set(METRIC.findall((ROOT / "server/base/metrics.h").read_text()))
    deploy = ROOT / "tools" / "deploy"
    dashboard = json.loads((deploy / "grafana-dashboard.json").read_text())
    rules = (deploy / "prometheus-rules.yaml").read_text()
    # Names of clusters and of the job are no metrics.
    texts = [target["expr"] for panel in dashboard["panels"]
             for target in panel["targets"]]
    texts += re.findall(r"expr: (.*)", rules)
    bad = [f"{name} is told by nobody" for text in texts
           for name in METRIC.findall(text)
           if re.sub(r"_(bucket|sum|count)$", "", name) not in known]
    if rules.count("alert:") != rules.count("next:"):
        bad.append("an alert does not say what to do next")
    for line in bad:
        print(line, file=sys.stderr)
    print(f"{len(texts)} expressions, {len(bad)} breaches")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
