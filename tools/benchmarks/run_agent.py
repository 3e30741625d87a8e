#!/usr/bin/env python3
"""nginx that asks warder-agent about each request (auth_request), beside the
same nginx without: gateway and agent share one core, wrk has the other. In
turn; the median of the ratios counts."""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SERVER_CORE, CLIENT_CORE = "0", "1"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(core, *command):
    return ["taskset", "-c", core, *command]


class Bench:
    def __init__(self, args):
        self.args = args
        self.dir = tempfile.mkdtemp(prefix="warder-bench-")
        os.chmod(self.dir, 0o755)  # nginx's worker is another user
        self.processes = []

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(15)
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *command):
        process = subprocess.Popen(command)
        self.processes.append(process)
        return process

    def warder(self, *args, profile=None):
        done = subprocess.run(
            [self.args.warder, "--profile", profile or self.profile, *args],
            capture_output=True, text=True)
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout

    def start_warderd(self):
        config = self.path("warderd.yaml")
        with open(config, "w") as out:
            out.write(f"""data_directory: {self.path('data')}
log_level: error
grpc:
  address: 127.0.0.1:{free_port()}
public:
  address: 127.0.0.1:{free_port()}
hr:
  address: 127.0.0.1:{free_port()}
ops:
  address: 127.0.0.1:{free_port()}
""")
        made = subprocess.run(
            [self.args.warderd, "init", "--config", config, "--json"],
            capture_output=True, text=True, check=True)
        self.profile = json.loads(made.stdout)["profile"]
        self.start(self.args.warderd, "serve", "--config", config)
        time.sleep(1)
        for who in ("alice", "bob"):
            self.warder("owner", "create", who)
        self.warder("issuer", "create", "shop", "--owner", "alice", "--deputy",
                    "bob", "--grant",
                    "signer=checkout audience=api lifetime=1h")
        self.warder("gateway", "create", "edge", "--kind",
                    "nginx-auth-request", "--reach", "stream", "--issuer",
                    "shop")
        issued = {}
        for role, name in (("signer", "checkout"), ("gateway", "edge")):
            issued[role] = json.loads(self.warder(
                "--json", "cert", "issue", "--role", role, "--name", name,
                "--out", self.dir))["profile"]
        self.token = self.warder(
            "token", "sign", "--issuer", "shop", "--audience", "api",
            "--subject", "u1", "--lifetime", "1h",
            profile=issued["signer"]).strip()
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

    def start_nginx(self):
        self.port = free_port()
        with open(self.path("nginx.conf"), "w") as out:
            out.write(f"""worker_processes 1;
daemon off;
pid {self.path('nginx.pid')};
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {self.path('t1')};
  proxy_temp_path {self.path('t2')};
  fastcgi_temp_path {self.path('t3')};
  uwsgi_temp_path {self.path('t4')};
  scgi_temp_path {self.path('t5')};
  upstream agent {{ server unix:{self.path('agent.sock')}; keepalive 64;
                    keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{self.port};
    location /plain {{ return 204; }}
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
}}
""")
        self.start(*pinned(SERVER_CORE, "nginx", "-p", self.dir, "-e",
                           "stderr", "-c", self.path("nginx.conf")))
        time.sleep(1)

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

    def load(self, place):
        out = subprocess.run(
            pinned(CLIENT_CORE, "wrk", "-t1", "-c32", "--latency",
                   f"-d{self.args.seconds}s", "-H",
                   "Authorization: Bearer " + self.token,
                   f"http://127.0.0.1:{self.port}/{place}"),
            capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in out, out
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
        return (float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit])

    def run(self):
        self.start_agent(self.start_warderd())
        self.start_nginx()
        time.sleep(1)
        self.check()
        asked, unasked = [], []
        for _ in range(self.args.rounds):
            asked.append(self.load("asked"))
            unasked.append(self.load("unasked"))
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        bench.run()
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
