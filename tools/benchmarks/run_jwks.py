#!/usr/bin/env python3
"""The public door against nginx serving the same bytes as a static file: one
core each, in turn, wrk as the client on the other core."""
import argparse
import json
import os
import re
import subprocess
import sys
import urllib.request

from house import SERVER_CORE, House, free_port, pinned

PLACE = "issuers/shop/.well-known/jwks.json"


class Bench(House):
    def make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-keyout", self.path("tls.key"), "-out",
             self.path("tls.pem")], check=True, capture_output=True)

    def start_both(self):
        """Two warderd on one core would disturb each other: they run in turn,
        the plain one first."""
        self.warder_ports = {"http": free_port(), "https": free_port()}
        tls = f"""  tls:
    certificate: {self.path('tls.pem')}
    private_key: {self.path('tls.key')}
"""
        for name, port in self.warder_ports.items():
            profile = self.start_warderd(
                name, *pinned(SERVER_CORE), public=port,
                tls=tls if name == "https" else "")
            for command in (["owner", "create", "alice"],
                            ["owner", "create", "bob"],
                            ["issuer", "create", "shop", "--owner", "alice",
                             "--deputy", "bob"],
                            ["key", "rotate", "--issuer", "shop"]):
                self.warder(profile, *command)

    def start_static(self):
        """Serves what the plain warderd served, from a file."""
        url = f"http://127.0.0.1:{self.warder_ports['http']}/{PLACE}"
        body = urllib.request.urlopen(url).read()
        file = self.path("root/" + PLACE)
        os.makedirs(os.path.dirname(file))
        with open(file, "wb") as out:
            out.write(body)
        self.nginx_ports = {"http": free_port(), "https": free_port()}
        self.start_nginx(f"""
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  types {{ application/jwk-set+json json; }}
  server {{
    listen 127.0.0.1:{self.nginx_ports['http']};
    listen 127.0.0.1:{self.nginx_ports['https']} ssl;
    ssl_certificate {self.path('tls.pem')};
    ssl_certificate_key {self.path('tls.key')};
    root {self.path('root')};
    add_header Cache-Control "public, max-age=60, must-revalidate";
    add_header Access-Control-Allow-Origin "*";
  }}
""")

    def rate(self, scheme, port):
        out = self.load(f"{scheme}://127.0.0.1:{port}/{PLACE}")
        return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))

    def run(self):
        self.make_certificate()
        self.start_both()
        self.start_static()
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
