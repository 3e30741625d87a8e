#!/usr/bin/env python3
"""The public door against nginx serving the same bytes as a static file: one
core each, in turn, wrk as the client on the other core."""
import argparse
import json
import os
import re
import shutil
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
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(15)
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-keyout", self.path("tls.key"), "-out",
             self.path("tls.pem")], check=True, capture_output=True)

    def start_warderd(self):
        """Two warderd on one core would disturb each other: they run in turn,
        the plain one first."""
        self.warder_ports = {}
        for name, tls in (("http", ""), ("https", f"""  tls:
    certificate: {self.path('tls.pem')}
    private_key: {self.path('tls.key')}
""")):
            port = free_port()
            config = self.path(f"{name}.yaml")
            with open(config, "w") as out:
                out.write(f"""data_directory: {self.path('data-' + name)}
log_level: error
grpc:
  address: 127.0.0.1:{free_port()}
public:
  address: 127.0.0.1:{port}
{tls}ops:
  address: 127.0.0.1:{free_port()}
""")
            made = subprocess.run(
                [self.args.warderd, "init", "--config", config, "--json"],
                capture_output=True, text=True, check=True)
            self.processes.append(subprocess.Popen(
                pinned(SERVER_CORE, self.args.warderd, "serve", "--config",
                       config)))
            time.sleep(1)
            for command in (["owner", "create", "alice"],
                            ["owner", "create", "bob"],
                            ["issuer", "create", "shop", "--owner", "alice",
                             "--deputy", "bob"],
                            ["key", "rotate", "--issuer", "shop"]):
                subprocess.run(
                    [self.args.warder, "--profile",
                     json.loads(made.stdout)["profile"], *command],
                    check=True, capture_output=True)
            self.warder_ports[name] = port

    def start_nginx(self):
        """Serves what the plain warderd served, from a file."""
        url = (f"http://127.0.0.1:{self.warder_ports['http']}"
               "/issuers/shop/.well-known/jwks.json")
        body = urllib.request.urlopen(url).read()
        root = self.path("root/issuers/shop/.well-known")
        os.makedirs(root)
        with open(os.path.join(root, "jwks.json"), "wb") as out:
            out.write(body)
        self.nginx_ports = {"http": free_port(), "https": free_port()}
        with open(self.path("nginx.conf"), "w") as out:
            out.write(f"""worker_processes 1;
daemon off;
pid {self.path('nginx.pid')};
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=100;
  types {{ application/jwk-set+json json; }}
  client_body_temp_path {self.path('t1')};
  proxy_temp_path {self.path('t2')};
  fastcgi_temp_path {self.path('t3')};
  uwsgi_temp_path {self.path('t4')};
  scgi_temp_path {self.path('t5')};
  server {{
    listen 127.0.0.1:{self.nginx_ports['http']};
    listen 127.0.0.1:{self.nginx_ports['https']} ssl;
    ssl_certificate {self.path('tls.pem')};
    ssl_certificate_key {self.path('tls.key')};
    root {self.path('root')};
    add_header Cache-Control "public, max-age=60, must-revalidate";
    add_header Access-Control-Allow-Origin "*";
  }}
}}
""")
        self.processes.append(subprocess.Popen(
            pinned(SERVER_CORE, "nginx", "-p", self.dir, "-e", "stderr", "-c",
                   self.path("nginx.conf"))))
        time.sleep(1)

    def rate(self, scheme, port):
        url = f"{scheme}://127.0.0.1:{port}/issuers/shop/.well-known/jwks.json"
        out = subprocess.run(
            pinned(CLIENT_CORE, "wrk", "-t1", "-c32",
                   f"-d{self.args.seconds}s", url),
            capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in out, out
        return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))

    def run(self):
        self.make_certificate()
        self.start_warderd()
        self.start_nginx()
        for scheme in ("http", "https"):
            ours, theirs = [], []
            for _ in range(self.args.rounds):
                ours.append(self.rate(scheme, self.warder_ports[scheme]))
                theirs.append(self.rate(scheme, self.nginx_ports[scheme]))
            ratios = sorted(a / b for a, b in zip(ours, theirs))
            print(json.dumps({
                "bench": "jwks", "metric": f"{scheme}_rps",
                "value": round(sorted(ours)[len(ours) // 2], 1),
                "baseline": round(sorted(theirs)[len(theirs) // 2], 1),
                "ratio": round(ratios[len(ratios) // 2], 3)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--warderd", required=True)
    parser.add_argument("--warder", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    bench = Bench(parser.parse_args())
    try:
        bench.run()
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
