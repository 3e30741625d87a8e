"""warder-agent beside real gateways: a revoked key is refused at once."""
import base64
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import jwt

from agent_process import AGENT, Agent
from envoy import CONFIG, cluster, envoy_binary
from harness import Warderd, free_port

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "tools/deploy"


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers with the headers it was given."""

    def do_GET(self):
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class AgentTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()
        self.w.must("gateway", "create", "edge", "--kind",
                    "nginx-auth-request", "--reach", "stream", "--issuer",
                    "shop")
        self.running = []

    def tearDown(self):
        for process in self.running:
            process.stop() if isinstance(process, Agent) else (
                process.terminate(), process.wait())
        self.w.close()

    def agent(self, **kwargs):
        agent = Agent(self.w, **kwargs).start()
        self.running.append(agent)
        return agent

    def revoke(self):
        kid = self.w.keys("active")[0]["kid"]
        self.w.must("key", "revoke", kid, "--issuer", "shop", "--reason",
                    "compromised")
        return kid

    def eventually(self, check, seconds=10):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if check():
                return True
            time.sleep(0.01)
        return False

    def forge_by_a_decoy(self):
        """A token that an agent refuses, and that rings at once."""
        decoy = self.w.must("--json", "honey", "create", "--issuer", "shop",
                            "--place", "wiki").json()
        now = int(time.time())
        return jwt.encode(
            {"iss": f"http://127.0.0.1:{self.w.public}/issuers/shop",
             "aud": "api", "sub": "mallory", "iat": now, "exp": now + 300},
            decoy["private_key"], algorithm="ES256",
            headers={"kid": decoy["key"]["kid"]})

    def rings_and_says_from_where(self, ask):
        forged = self.forge_by_a_decoy()
        self.assertTrue(self.eventually(
            lambda: b"never_issued" in str(ask(forged)).encode()))
        alarm = self.w.must("--json", "alarm", "list").lines()[0]
        self.assertEqual(alarm["kind"], "HONEY_KEY")
        self.assertIn('"source":"127.0.0.1"', alarm["evidence"])

    def test_systemd_takes_the_unit(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("SKIPPED: systemd-analyze is not installed")
        unit = os.path.join(self.w.dir, "warder-agent.service")
        with open(unit, "w") as out:
            out.write((DEPLOY / "warder-agent.service").read_text().replace(
                "/usr/bin/warder-agent", AGENT))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", unit],
            capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_revoked_key_is_refused_acknowledged_and_on_record(self):
        agent = self.agent().wait()
        token = self.w.sign()
        status, headers = agent.answer(token)
        self.assertEqual(status, 200)
        self.assertEqual(headers["Warder-Subject"], "u1")
        claims = headers["Warder-Claims"]
        self.assertEqual(json.loads(base64.urlsafe_b64decode(
            claims + "=" * (-len(claims) % 4)))["aud"], "api")
        before = self.w.get(agent.url + "/jwks.json")[1]
        kid = self.revoke()
        self.assertTrue(self.eventually(lambda: agent.answer(token)[0] == 401))
        self.assertEqual(agent.answer(token)[1]["Warder-Refusal"],
                         "unknown_key")
        self.assertEqual(agent.answer(self.w.sign())[0], 200)
        # The set it serves and the file it keeps lack the key, too.
        _, after, body = self.w.get(agent.url + "/jwks.json")
        self.assertNotIn(kid.encode(), body)
        self.assertNotEqual(before["ETag"], after["ETag"])
        self.assertEqual(
            self.w.get(agent.url + "/issuers/shop/jwks.json",
                       {"If-None-Match": after["ETag"]})[0], 304)
        with open(os.path.join(agent.dir, "sets", "shop.json"), "rb") as kept:
            self.assertEqual(kept.read(), body)
        # And the record says so: one of one, by its own word.
        done = self.w.warder("--json", "revocation", "watch", kid,
                             "--timeout", "20s")
        self.assertEqual(done.code, 0, done.out + done.err)
        shown = self.w.warder("--json", "revocation", "show", kid).json()
        confirmation = shown["confirmations"][0]
        self.assertEqual(confirmation["state"], "ENFORCED")
        self.assertEqual(confirmation["enforced_by"], "ACKNOWLEDGED")
        self.assertEqual(confirmation["detail"], "edge-1")
        status, health = agent.health()
        self.assertEqual(health["enforces"]["issuers/shop"],
                         int(shown["revision"]))

    def test_a_probes_audience_opens_the_probe_and_nothing_else(self):
        self.w.must("issuer", "update", "shop", "--grant",
                    "signer=checkout audience=api audience=urn:warder:probe")
        agent = self.agent().wait()
        canary = self.w.must("token", "sign", "--issuer", "shop",
                             "--audience", "urn:warder:probe", "--subject", "c",
                             who="signer/checkout").out.strip()
        self.assertEqual(agent.answer(canary, "/probe")[0], 204)
        self.assertEqual(agent.answer(canary)[0], 401)
        self.assertEqual(agent.answer(self.w.sign(), "/probe")[0], 401)
        self.assertEqual(self.w.get(agent.url + "/auth")[0], 401)

    def test_cut_off_it_refuses_after_its_bound_and_comes_back(self):
        agent = self.agent(max_staleness="4s").wait()
        token = self.w.sign()
        self.w.stop()
        self.assertEqual(agent.answer(token)[0], 200)
        self.assertTrue(self.eventually(
            lambda: agent.answer(token)[1].get("Warder-Refusal") ==
            "stale_keys"))
        self.assertEqual(agent.health()[0], 503)
        self.assertEqual(self.w.get(agent.url + "/jwks.json")[0], 503)
        self.w.start()
        agent.wait()
        self.assertEqual(agent.answer(token)[0], 200)

    def test_a_start_without_the_server_uses_what_is_young_enough(self):
        agent = self.agent(max_staleness="9s").wait()
        token = self.w.sign()
        self.w.stop()
        agent.stop()
        agent.start()
        self.assertTrue(self.eventually(lambda: agent.health()[0] == 200))
        self.assertEqual(agent.answer(token)[0], 200)
        self.assertTrue(self.eventually(
            lambda: agent.answer(token)[0] == 401, 20))
        agent.stop()
        agent.start()
        self.assertTrue(self.eventually(lambda: agent.health()[0] == 503))
        self.assertEqual(agent.answer(token)[1]["Warder-Refusal"],
                         "no_key_set")

    def test_killed_and_started_it_does_not_bring_a_revoked_key_back(self):
        agent = self.agent().wait()
        token = self.w.sign()
        self.revoke()
        self.assertTrue(self.eventually(lambda: agent.answer(token)[0] == 401))
        agent.stop(signal.SIGKILL)
        self.w.stop()
        agent.start()
        self.assertTrue(self.eventually(lambda: agent.health()[0] == 200))
        self.assertEqual(agent.answer(token)[1]["Warder-Refusal"],
                         "unknown_key")

    def test_who_is_not_registered_is_told_what_to_do(self):
        agent = self.agent(name="stranger")
        self.assertTrue(self.eventually(
            lambda: "warder gateway create stranger" in str(agent.health())))
        self.w.must("gateway", "create", "stranger", "--kind", "libwarder",
                    "--reach", "stream", "--issuer", "shop")
        agent.wait()

    def test_a_changed_registration_reaches_the_agent(self):
        agent = self.agent().wait()
        self.w.must("issuer", "create", "other", "--owner", "alice",
                    "--deputy", "bob")
        self.w.must("gateway", "update", "edge", "--issuer", "other")
        self.assertTrue(self.eventually(
            lambda: list(agent.health()[1]["enforces"]) == ["issuers/other"],
            30), agent.health())

    def test_bad_settings_are_named_with_their_line(self):
        agent = Agent(self.w)
        with open(agent.config) as text:
            good = text.read()
        for old, new, said in (
                ("http_address: 127.0.0.1", "http_address: 0.0.0.0",
                 "neither loopback"),
                ("probe_audience", "probe_audiense", "unknown setting"),
                ("max_staleness: 30s", "max_staleness: 30", "max_staleness"),
                ("audiences: [api]", "audiences: []", "verify.audiences")):
            with open(agent.config, "w") as out:
                self.assertIn(old, good)
                out.write(good.replace(old, new))
            done = subprocess.run([AGENT, "--config", agent.config, "--check"],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
            self.assertIn("agent.yaml", done.stderr)

    def test_nginx_asks_it_and_refuses_with_it(self):
        path = os.path.join(self.w.dir, "agent.sock")
        agent = self.agent(address=f"unix:{path}")
        self.assertTrue(self.eventually(lambda: os.path.exists(path)))
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        self.addCleanup(backend.server_close)
        self.addCleanup(backend.shutdown)
        port = free_port()
        sample = (DEPLOY / "nginx-auth-request.conf").read_text()
        for here, there in (
                ("server 127.0.0.1:7490;", f"server unix:{path};"),
                ("127.0.0.1:8480", f"127.0.0.1:{port}"),
                ("127.0.0.1:8080", f"127.0.0.1:{backend.server_port}")):
            self.assertIn(here, sample)
            sample = sample.replace(here, there)
        config = os.path.join(self.w.dir, "nginx.conf")
        user = "user root;" if os.geteuid() == 0 else ""
        with open(config, "w") as out:
            out.write(f"daemon off; pid {self.w.dir}/nginx.pid; {user}\n"
                      f"error_log stderr;\nevents {{}}\n"
                      f"http {{ access_log off;\n{sample} }}\n")
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", config],
                                 stderr=subprocess.DEVNULL)
        self.running.append(nginx)
        url = f"http://127.0.0.1:{port}/orders"

        def ask(token):
            try:
                return self.w.get(url, {"Authorization": "Bearer " + token,
                                        "Warder-Subject": "root",
                                        "Warder-Key-Id": "forged"})
            except OSError:
                return 0, {}, b""
        token = self.w.sign()
        self.assertTrue(self.eventually(lambda: ask(token)[0] == 200))
        seen = json.loads(ask(token)[2])
        self.assertEqual(seen["Warder-Subject"], "u1")
        self.assertNotIn("Warder-Key-Id", seen)
        started = time.monotonic()
        self.revoke()
        self.assertTrue(self.eventually(lambda: ask(token)[0] == 401))
        print(f"revoked to refused by nginx: "
              f"{(time.monotonic() - started) * 1000:.0f} ms (with the "
              f"command line's own start)")
        self.assertIn("unknown_key", ask(token)[1]["WWW-Authenticate"])
        self.assertEqual(ask(self.w.sign())[0], 200)
        self.rings_and_says_from_where(ask)
        self.assertEqual(agent.process.poll(), None)

    def test_envoy_asks_it_and_proves_that_it_refuses(self):
        binary = envoy_binary(self, os.path.join(self.w.dir, "envoy"))
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        self.addCleanup(backend.server_close)
        self.addCleanup(backend.shutdown)
        self.w.must("gateway", "delete", "edge")
        authz, port = free_port(), free_port()
        url = f"http://127.0.0.1:{port}"
        self.w.must("gateway", "create", "envoy", "--kind", "envoy-ext-authz",
                    "--reach", "stream", "--issuer", "shop", "--probe-url",
                    url + "/.warder/probe", "--probe-audience", "urn:warder:probe",
                    "--probe-local")
        agent = self.agent(name="envoy", ext_authz=f"127.0.0.1:{authz}").wait()
        # The sample: the filter as it stands, cluster and route from its remarks.
        lines = (DEPLOY / "envoy-ext-authz.yaml").read_text().splitlines()
        filters = [line for line in lines if not line.startswith("#")]
        start = lines.index("# clusters:") + 1
        end = next(i for i, line in enumerate(lines) if "A route for" in line)
        clusters = [line[2:].replace("7491", str(authz))
                    for line in lines[start:end]]
        config = os.path.join(self.w.dir, "envoy.yaml")
        with open(config, "w") as out:
            out.write(CONFIG.format(
                port=port, route="route: {cluster: backend}",
                filters="\n".join(" " * 10 + line for line in filters),
                clusters=cluster("backend", backend.server_port)
                + "\n".join("  " + line for line in clusters)))
        log = open(os.path.join(self.w.dir, "envoy.log"), "w+")
        self.addCleanup(log.close)
        envoy = subprocess.Popen(
            [binary, "-c", config, "--concurrency", "1", "--base-id",
             str(port % 30000), "-l", "warn"], stdout=log, stderr=log)
        self.running.append(envoy)

        def ask(token, path="/orders"):
            try:
                return self.w.get(url + path, {
                    "Authorization": "Bearer " + token,
                    "Warder-Subject": "root", "Warder-Stale": "forged",
                    "warder_subject": "root"})
            except OSError:
                return 0, {}, b""
        token = self.w.sign()
        self.assertTrue(self.eventually(lambda: ask(token)[0] == 200, 20))
        seen = {name.lower(): value
                for name, value in json.loads(ask(token)[2]).items()}
        self.assertEqual(seen["warder-subject"], "u1")
        self.assertNotIn("warder-stale", seen)
        self.assertNotIn("warder_subject", seen)
        self.assertEqual(ask(token, "/.warder/probe")[0], 401)
        self.rings_and_says_from_where(ask)
        kid = self.revoke()
        self.assertTrue(self.eventually(lambda: ask(token)[0] == 401))
        done = self.w.warder("revocation", "watch", kid, "--timeout", "40s")
        shown = self.w.warder("--json", "revocation", "show", kid).json()
        by = {c["gateway"]: c["enforced_by"] for c in shown["confirmations"]
              if c["state"] == "ENFORCED"}
        self.assertEqual(by.get("gateways/envoy"), "PROBED", done.out)
        # The agent gone, nobody passes.
        agent.stop()
        self.assertEqual(ask(self.w.sign())[0], 403)


if __name__ == "__main__":
    unittest.main(verbosity=2)
