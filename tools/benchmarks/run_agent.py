#!/usr/bin/env python3
"""nginx that asks warder-agent about each request (auth_request), beside the
same nginx without: gateway and agent share one core, wrk has the other. In
turn; the median of the ratios counts."""
import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request

from house import SERVER_CORE, House, free_port, pinned


class Bench(House):
    def set_up(self):
        """Returns the gateway's profile."""
        admin = self.start_warderd("warderd")
        for who in ("alice", "bob"):
            self.warder(admin, "owner", "create", who)
        self.warder(admin, "issuer", "create", "shop", "--owner", "alice",
                    "--deputy", "bob", "--grant",
                    "signer=checkout audience=api lifetime=1h")
        self.warder(admin, "gateway", "create", "edge", "--kind",
                    "nginx-auth-request", "--reach", "stream", "--issuer",
                    "shop")
        issued = {}
        for role, name in (("signer", "checkout"), ("gateway", "edge")):
            issued[role] = json.loads(self.warder(
                admin, "--json", "cert", "issue", "--role", role, "--name",
                name, "--out", self.dir))["profile"]
        self.token = self.warder(
            issued["signer"], "token", "sign", "--issuer", "shop",
            "--audience", "api", "--subject", "u1", "--lifetime",
            "1h").strip()
        return issued["gateway"]

    def start_agent(self, profile):
        os.makedirs(self.path("state"))
        with open(profile) as text:
            server = "".join("  " + line for line in text
                             if not line.startswith("public"))
        config = self.path("agent.yaml")
        with open(config, "w") as out:
            out.write(f"server:\n{server}verify:\n  audiences: [api]\n"
                      f"http_address: unix:{self.path('agent.sock')}\n"
                      f"state_directory: {self.path('state')}\n"
                      f"instance: edge-1\n")
        self.start(*pinned(SERVER_CORE, self.args.agent, "--config", config))
        for _ in range(100):
            if os.path.exists(self.path("agent.sock")):
                break
            time.sleep(0.05)
        os.chmod(self.path("agent.sock"), 0o666)

    def start_gateway(self):
        self.port = free_port()
        self.start_nginx(f"""
  upstream agent {{ server unix:{self.path('agent.sock')}; keepalive 64;
                    keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{self.port};
    location /asked {{
      auth_request /auth;
      # As a backend would; `return` would not wait for auth_request.
      try_files /nothing @backend;
    }}
    location /unasked {{ try_files /nothing @backend; }}
    location @backend {{ return 204; }}
    location = /auth {{
      internal;
      proxy_pass http://agent/auth;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
""")

    def check(self):
        """It does ask: a bad token is refused, a good one let through."""
        for token, status in ((self.token, 204), ("x", 401)):
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/asked",
                headers={"Authorization": "Bearer " + token})
            try:
                answer = urllib.request.urlopen(request).status
            except urllib.error.HTTPError as error:
                answer = error.code
            assert answer == status, (answer, status)

    def measure(self, place):
        """Returns requests a second and the 99th percentile in ms."""
        out = self.load(f"http://127.0.0.1:{self.port}/{place}", "--latency",
                        "-H", "Authorization: Bearer " + self.token)
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
        return (float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit])

    def run(self):
        self.start_agent(self.set_up())
        self.start_gateway()
        time.sleep(1)
        self.check()
        asked, unasked = [], []
        for _ in range(self.args.rounds):
            asked.append(self.measure("asked"))
            unasked.append(self.measure("unasked"))
        middle = self.args.rounds // 2
        for index, metric in ((0, "auth_request_rps"),
                              (1, "auth_request_p99_ms")):
            ours = sorted(one[index] for one in asked)
            theirs = sorted(one[index] for one in unasked)
            ratios = sorted(
                (a[0] / b[0]) if index == 0 else (b[1] / a[1])
                for a, b in zip(asked, unasked))
            print(json.dumps({
                "bench": "agent", "metric": metric,
                "value": round(ours[middle], 3),
                "baseline": round(theirs[middle], 3),
                "ratio": round(ratios[middle], 3)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--warderd", required=True)
    parser.add_argument("--warder", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    bench = Bench(parser.parse_args())
    try:
        bench.run()
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
