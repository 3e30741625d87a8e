"""Verifiers that are not ours, one after the other: what each promises in the
table of consumers against what the proof loop measures."""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import unittest

from agent_process import Agent
from envoy import CONFIG, cluster, envoy_binary
from harness import Warderd, free_port, pip_install

HERE = pathlib.Path(__file__).resolve().parent
VERIFIERS = HERE / "verifiers"
DEPLOY = HERE.parents[1] / "tools/deploy"
PROBE = "urn:warder:probe"
CACHE = 3  # seconds, where a verifier lets us say
# From what it can refuse by to what it is known to refuse by: the question.
ASKING = 1.0


class Backend(http.server.BaseHTTPRequestHandler):
    subjects = []

    def do_GET(self):
        self.subjects.append(self.headers.get("Warder-Subject"))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def run(*command, cwd=None, env=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True,
                          env=dict(os.environ, **(env or {})), timeout=240)
    if done.returncode != 0:
        raise unittest.SkipTest(
            f"{command[0]}: " + (done.stderr or done.stdout).strip()[-200:])


class Verifier:
    """A verifier under test: how it is registered, and a process."""

    def __init__(self, test, name, kind, *flags, reach="poll"):
        self.test, self.w, self.name = test, test.w, name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/.warder/probe"
        self.w.must("gateway", "create", name, "--kind", kind, "--reach",
                    reach, "--issuer", "shop", "--probe-url", self.url,
                    "--probe-audience", PROBE, "--probe-local",
                    "--probe-refused", "401", "--probe-refused", "403", *flags)
        self.jwks = (f"http://127.0.0.1:{self.w.public}/gateways/{name}/shop"
                     "/jwks.json")

    def start(self, *command, env=None):
        self.log = os.path.join(self.w.dir, f"{self.name}.log")
        with open(self.log, "w") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=out, env=dict(
                    os.environ, PORT=str(self.port), JWKS=self.jwks,
                    ISSUER=f"http://127.0.0.1:{self.w.public}/issuers/shop",
                    AUDIENCE=PROBE, CACHE=str(CACHE), **(env or {})))
        self.test.addCleanup(process.wait)
        self.test.addCleanup(process.terminate)
        return self

    def answer(self, token):
        with contextlib.suppress(OSError):
            return self.w.get(self.url, {"Authorization": "Bearer " + token})[0]
        return 0

    def must_accept(self, token):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status = self.answer(token)
            if status in (200, 204):
                return
            time.sleep(0.1)
        with open(self.log) as log:
            self.test.fail(f"{self.name} answers {status}: "
                           + log.read()[-2000:])


class InteropTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.addCleanup(self.w.close)
        self.w.must("owner", "create", "alice")
        self.w.must("owner", "create", "bob")
        self.w.must("issuer", "create", "shop", "--owner", "alice", "--deputy",
                    "bob", "--cache-max-age", "2s", "--verifier-cache", "5s",
                    # Any: so that verifiers can be shown tokens for the probe.
                    "--grant", "signer=checkout audience=* lifetime=5m")
        self.w.certify("signer", "checkout")
        self.verifiers, self.skipped = [], {}

    def token(self):
        return self.w.must("token", "sign", "--issuer", "shop", "--audience",
                           PROBE, "--subject", "u1",
                           who="signer/checkout").out.strip()

    # Each starts one verifier and returns its verifier.

    def agent(self, name, **kwargs):
        agent = Agent(self.w, name=name, **kwargs).start()
        self.addCleanup(agent.stop)
        return agent

    def nginx(self):
        verifier = Verifier(self, "nginx", "nginx-auth-request", reach="stream")
        agent = self.agent("nginx").wait()
        config = (DEPLOY / "nginx-auth-request.conf").read_text().replace(
            "127.0.0.1:7490", f"127.0.0.1:{agent.port}").replace(
                "127.0.0.1:8480", f"127.0.0.1:{verifier.port}")
        path = os.path.join(self.w.dir, "nginx.conf")
        with open(path, "w") as out:
            out.write(f"daemon off; pid {self.w.dir}/nginx.pid;\n"
                      "error_log stderr;\nevents {}\n"
                      f"http {{ access_log off;\n{config} }}\n")
        return verifier.start("/usr/sbin/nginx", "-c", path)

    def haproxy(self):
        verifier = Verifier(self, "haproxy", "nginx-auth-request", reach="stream")
        agent = self.agent("haproxy").wait()
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        self.addCleanup(backend.server_close)
        self.addCleanup(backend.shutdown)
        names = {"127.0.0.1:7490": f"127.0.0.1:{agent.port}",
                 "127.0.0.1:8480": f"127.0.0.1:{verifier.port}",
                 "127.0.0.1:8080": f"127.0.0.1:{backend.server_port}",
                 "/etc/haproxy": self.w.dir}
        for name in ("haproxy.cfg", "haproxy-warder.lua"):
            text = (DEPLOY / name).read_text()
            for here, there in names.items():
                text = text.replace(here, there)
            with open(os.path.join(self.w.dir, name), "w") as out:
                out.write(text)
        verifier.start("/usr/sbin/haproxy", "-db", "-f",
                   os.path.join(self.w.dir, "haproxy.cfg"))
        verifier.behind = f"http://127.0.0.1:{verifier.port}/"
        return verifier

    def over_tls(self, url):
        """The same URL behind TLS, for who takes no other."""
        port = free_port()
        home = os.path.join(self.w.dir, "tls")
        os.makedirs(home)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1",
            "-days", "1", "-keyout", f"{home}/key.pem", "-out",
            f"{home}/cert.pem")
        with open(f"{home}/nginx.conf", "w") as out:
            out.write(f"daemon off; pid {home}/pid; error_log stderr;\n"
                      f"events {{}}\nhttp {{ access_log off; server {{\n"
                      f"listen 127.0.0.1:{port} ssl;\n"
                      f"ssl_certificate {home}/cert.pem;\n"
                      f"ssl_certificate_key {home}/key.pem;\n"
                      f"location / {{ proxy_pass "
                      f"http://127.0.0.1:{self.w.public}; }} }} }}\n")
        process = subprocess.Popen(
            ["/usr/sbin/nginx", "-c", f"{home}/nginx.conf"],
            stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return url.replace(f"http://127.0.0.1:{self.w.public}",
                           f"https://127.0.0.1:{port}")

    def apache(self):
        verifier = Verifier(self, "apache", "mod-auth-openidc", "--cache", "300s")
        home = os.path.join(self.w.dir, "apache")
        os.makedirs(os.path.join(home, "htdocs/.warder"))
        with open(os.path.join(home, "htdocs/.warder/probe"), "w") as out:
            out.write("here\n")
        os.chmod(self.w.dir, 0o755)
        config = (DEPLOY / "apache-mod-auth-openidc.conf").read_text()
        for here, there in (
                ("https://warder.example/gateways/apache/shop/jwks.json",
                 self.over_tls(verifier.jwks)),
                ("https://warder.example/issuers/shop",
                 f"http://127.0.0.1:{self.w.public}/issuers/shop"),
                ("urn:warder:probe", PROBE), ('    ProxyPass "!"\n', "")):
            self.assertIn(here, config)
            config = config.replace(here, there)
        modules = "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
            for name in ("mpm_event", "authn_core", "authz_core", "authz_user",
                         "auth_openidc"))
        path = os.path.join(home, "httpd.conf")
        with open(path, "w") as out:
            out.write(f"ServerName test\nListen 127.0.0.1:{verifier.port}\n"
                      f"PidFile {home}/pid\nDefaultRuntimeDir {home}\n"
                      f"User www-data\nGroup www-data\n"
                      f"ErrorLog {home}/log\nDocumentRoot {home}/htdocs\n"
                      f"{modules}OIDCOAuthSSLValidateServer Off\n{config}")
        return verifier.start("/usr/sbin/apache2", "-X", "-f", path)

    def envoy(self, name, kind, filters, clusters, *flags, reach="poll"):
        binary = envoy_binary(self, os.path.join(self.w.dir, "envoy"))
        verifier = Verifier(self, name, kind, *flags, reach=reach)
        path = os.path.join(self.w.dir, f"{name}.yaml")
        with open(path, "w") as out:
            out.write(CONFIG.format(
                port=verifier.port, route="direct_response: {status: 200}",
                filters="".join(" " * 10 + line + "\n"
                                for line in filters(verifier).splitlines()),
                clusters=clusters))
        return verifier.start(binary, "-c", path, "--concurrency", "1",
                          "--base-id", str(verifier.port), "-l", "warn")

    def envoy_jwt_authn(self):
        def filters(verifier):
            return f"""- name: envoy.filters.http.jwt_authn
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.\
jwt_authn.v3.JwtAuthentication
    providers:
      warder:
        issuer: http://127.0.0.1:{self.w.public}/issuers/shop
        audiences: ["{PROBE}"]
        remote_jwks:
          http_uri: {{uri: "{verifier.jwks}", cluster: warder, timeout: 5s}}
          cache_duration: {CACHE}s
    rules:
    - match: {{prefix: /}}
      requires: {{provider_name: warder}}"""
        return self.envoy("envoy-jwt-authn", "envoy", filters,
                          cluster("warder", self.w.public), "--cache",
                          f"{CACHE}s")

    def envoy_ext_authz(self):
        authz = free_port()

        def filters(_):
            lines = (DEPLOY / "envoy-ext-authz.yaml").read_text().splitlines()
            start = next(i for i, line in enumerate(lines)
                         if "envoy.filters.http.ext_authz" in line)
            end = next((i for i, line in enumerate(lines)
                        if i > start and line and not line.startswith(" ")),
                       len(lines))
            indent = len(lines[start]) - len(lines[start].lstrip())
            return "\n".join(line[indent:] for line in lines[start:end])
        verifier = self.envoy(
            "envoy-ext-authz", "envoy-ext-authz", filters,
            cluster("warder_agent", authz)
            + "    typed_extension_protocol_options:\n"
              "      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n"
              '        "@type": type.googleapis.com/envoy.extensions.upstreams.'
              "http.v3.HttpProtocolOptions\n"
              "        explicit_http_config: {http2_protocol_options: {}}\n",
            reach="stream")
        self.agent("envoy-ext-authz", ext_authz=f"127.0.0.1:{authz}").wait()
        return verifier

    def python(self, name, *packages):
        target = os.path.join(self.w.dir, f"python-{name}")
        for package in packages:
            pip_install(self, target, package)
        flags = [] if name == "authlib" else ["--cache", f"{CACHE}s"]
        return Verifier(self, name, name, *flags).start(
            sys.executable, "-W", "ignore", str(VERIFIERS / f"{name}_verifier.py"),
            env={"PYTHONPATH": target})

    def pyjwt(self):
        return self.python("pyjwt", "pyjwt==2.10.1")

    def authlib(self):
        return self.python("authlib", "authlib==1.3.2")

    def node(self, name, verifier, *packages):
        home = os.path.join(self.w.dir, f"node-{name}")
        os.makedirs(home)
        run("npm", "install", "--silent", "--no-audit", "--no-fund",
            "--prefix", home, *packages, cwd=home)
        shutil.copy(VERIFIERS / verifier, home)
        return Verifier(self, name, name, "--cache", f"{CACHE}s").start(
            "node", os.path.join(home, verifier))

    def jose(self):
        return self.node("jose", "jose_verifier.mjs", "jose@5.9.6")

    def jwks_rsa(self):
        return self.node("jwks-rsa", "jwks_rsa_verifier.js", "jwks-rsa@3.1.0",
                         "jsonwebtoken@9.0.2")

    def golang(self, name, *flags):
        home = os.path.join(self.w.dir, "golang")
        binary = os.path.join(home, "verifier")
        if not os.path.exists(binary):
            shutil.copytree(VERIFIERS / "golang", home, dirs_exist_ok=True)
            if not os.path.exists(os.path.join(home, "go.mod")):
                run("go", "mod", "init", "warder.test/verifier", cwd=home)
            run("go", "get", "github.com/coreos/go-oidc/v3@v3.11.0",
                "github.com/MicahParks/keyfunc/v3@v3.9.1",
                "github.com/golang-jwt/jwt/v5@v5.3.1", cwd=home)
            run("go", "mod", "tidy", cwd=home)
            run("go", "build", "-o", "verifier", ".", cwd=home)
        return Verifier(self, name, name, *flags).start(binary,
                                                    env={"LIBRARY": name})

    def go_oidc(self):
        return self.golang("go-oidc")

    def keyfunc(self):
        return self.golang("keyfunc", "--cache", f"{CACHE}s")

    def nimbus(self):
        home = os.path.join(self.w.dir, "nimbus")
        run("mvn", "-q",
            "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
            "-Dartifact=com.nimbusds:nimbus-jose-jwt:9.37.3",
            "-DoutputDirectory=" + home)
        return Verifier(self, "nimbus", "nimbus").start(
            "java", "-cp", f"{home}/*", str(VERIFIERS / "NimbusVerifier.java"))

    def start_all(self):
        for start in (self.nginx, self.haproxy, self.apache,
                      self.envoy_jwt_authn, self.envoy_ext_authz, self.pyjwt,
                      self.authlib, self.jose, self.jwks_rsa, self.go_oidc,
                      self.keyfunc, self.nimbus):
            try:
                self.verifiers.append(start())
            except (unittest.SkipTest, FileNotFoundError) as why:
                # Debian's own are always there.
                self.assertNotIn(start, (self.nginx, self.haproxy, self.apache))
                self.skipped[start.__name__] = str(why)

    def test_each_refuses_within_what_the_table_promises(self):
        self.start_all()
        token = self.token()
        for verifier in self.verifiers:
            verifier.must_accept(token)
        key = self.w.keys("active")[0]["kid"]
        plan = self.w.must("--json", "key", "revoke", key, "--issuer", "shop",
                           "--reason", "compromised", "--plan").json()
        promised = {
            on["gateway"].split("/")[1]:
                float(on["expected"].rstrip("s")) if "expected" in on else None
            for on in plan["gateways"]}
        self.w.must("key", "revoke", key, "--issuer", "shop", "--reason",
                    "compromised")
        watched = self.w.warder("revocation", "watch", key, "--timeout", "90s")
        shown = self.w.must("--json", "revocation", "show", key).json()
        self.print_table(shown, promised)
        self.assertEqual(watched.code, 0, watched.out + watched.err)
        for confirmation in shown["confirmations"]:
            name = confirmation["gateway"].split("/")[1]
            self.assertEqual(confirmation["enforced_by"], "PROBED", name)
            if promised[name] is not None:
                self.assertLessEqual(self.took(shown, confirmation),
                                     promised[name] + ASKING, name)
        self.check_behind_haproxy()
        # What was refused in the proof is refused to everybody; who signs now is
        # accepted.
        fresh = self.token()
        for verifier in self.verifiers:
            self.assertIn(verifier.answer(token), (401, 403), verifier.name)
            verifier.must_accept(fresh)

    def check_behind_haproxy(self):
        """Its sample leads to the backend whom the agent lets through."""
        verifier = next(verifier for verifier in self.verifiers if verifier.name == "haproxy")
        for audience, status in (("api", 204), (PROBE, 401)):
            token = self.w.must(
                "token", "sign", "--issuer", "shop", "--audience", audience,
                "--subject", "u1", who="signer/checkout").out.strip()
            answer = self.w.get(verifier.behind,
                                {"Authorization": "Bearer " + token,
                                 "Warder-Subject": "forged"})
            self.assertEqual(answer[0], status, audience)
        self.assertEqual(self.w.get(verifier.behind)[0], 401)
        self.assertEqual(Backend.subjects, ["u1"])

    def published(self):
        """Every key set that anybody can fetch now, by URL."""
        base = f"http://127.0.0.1:{self.w.public}"
        sets = {}
        for url in (f"{base}/issuers/shop/.well-known/jwks.json",
                    f"{base}/gateways/new/shop/jwks.json",
                    f"{base}/gateways/old/shop/jwks.json"):
            status, headers, body = self.w.get(url)
            self.assertEqual(status, 200, url)
            self.assertIn("json", headers["Content-Type"])
            sets[url] = json.loads(body)
        return sets

    def check_published(self, moment):
        """None of the sets that some verifier trips over: consumers.json."""
        for url, keys in self.published().items():
            where = f"{moment}: {url}: {keys}"
            self.assertEqual(list(keys), ["keys"], where)
            keys = keys["keys"]
            self.assertTrue(1 <= len(keys) <= 5, where)
            kids = [key.get("kid") for key in keys]
            self.assertNotIn(None, kids, where)
            self.assertEqual(len(kids), len(set(kids)), where)
            for key in keys:
                kind = (key["kty"], key.get("crv"), key["alg"])
                self.assertIn(kind, [("EC", "P-256", "ES256"),
                                     ("OKP", "Ed25519", "EdDSA")], where)
                self.assertEqual(key["use"], "sig", where)
                self.assertFalse(set(key) & {"d", "x5u", "x5c", "key_ops"},
                                 where)
            if "/old/" in url:
                self.assertNotIn("OKP", [key["kty"] for key in keys], where)

    def test_no_set_is_published_that_a_verifier_trips_over(self):
        for name, kind in (("new", "go-oidc"), ("old", "dotnet")):
            self.w.must("gateway", "create", name, "--kind", kind, "--issuer",
                        "shop")
        self.check_published("fresh")
        self.w.must("issuer", "update", "shop", "--algorithm", "ES256",
                    "--algorithm", "EdDSA")
        self.check_published("two algorithms")
        self.w.must("key", "rotate", "--issuer", "shop", "--algorithm",
                    "ES256")
        self.check_published("a successor is announced")
        self.w.must("key", "rotate", "--issuer", "shop", "--algorithm",
                    "ES256", "--force")
        self.check_published("rotated")
        for _ in range(3):
            self.w.must("key", "revoke", self.w.keys("active")[0]["kid"],
                        "--issuer", "shop", "--reason", "compromised")
            self.check_published("revoked")
        self.w.must("owner", "depart", "alice")
        self.check_published("the owner has left")
        self.w.must("owner", "depart", "bob")
        self.check_published("nobody is left: the tombstone")

    @staticmethod
    def took(revocation, confirmation):
        def seconds(text):
            whole, _, part = text.rstrip("Z").partition(".")
            return (time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
                    + float("0." + (part or "0")))
        return (seconds(confirmation["enforce_time"])
                - seconds(revocation["revoke_time"]))

    def print_table(self, shown, promised):
        print(f"\n{'verifier':18} {'promised':>12} {'measured':>10}",
              file=sys.stderr)
        for confirmation in shown["confirmations"]:
            name = confirmation["gateway"].split("/")[1]
            within = ("unbounded" if promised[name] is None
                      else f"{promised[name]:.0f} s")
            measured = (f"{self.took(shown, confirmation):.3f} s"
                        if "enforce_time" in confirmation
                        else confirmation["state"])
            print(f"{name:18} {within:>12} {measured:>10}", file=sys.stderr)
        for name, why in self.skipped.items():
            print(f"{name:18} SKIPPED: {why}", file=sys.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
