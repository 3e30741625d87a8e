"""Drills: three gateways of different kinds, one leaver who never lived."""
import base64
import json
import os
import subprocess
import sys
import unittest

from agent_process import Agent
from harness import Warderd, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = "urn:warder:probe"


class DrillTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.addCleanup(self.w.close)
        self.w.set_up_shop()
        self.w.must("issuer", "create", "drill", "--drill", "--owner", "alice",
                    "--deputy", "bob", "--cache-max-age", "2s",
                    "--verifier-cache", "5s")

    def register(self, name, kind, url, *flags, reach="stream"):
        self.w.must("gateway", "create", name, "--kind", kind, "--reach",
                    reach, "--issuer", "shop", "--issuer", "drill",
                    "--probe-url", url, "--probe-audience", PROBE,
                    "--probe-local", *flags)

    def start_gateways(self):
        """An agent that is asked, one that is asked by nginx, and PyJWT."""
        plain = Agent(self.w, name="plain")
        self.register("plain", "libwarder", plain.url + "/probe")
        self.addCleanup(plain.stop)
        plain.start().wait()
        port = free_port()
        self.register("nginx", "nginx-auth-request",
                      f"http://127.0.0.1:{port}/probe")
        behind = Agent(self.w, name="nginx").start()
        self.addCleanup(behind.stop)
        behind.wait()
        config = os.path.join(self.w.dir, "nginx.conf")
        with open(config, "w") as out:
            out.write(f"daemon off; pid {self.w.dir}/nginx.pid; error_log "
                      f"stderr;\nevents {{}}\nhttp {{ access_log off; server {{"
                      f" listen 127.0.0.1:{port}; location / {{ proxy_pass "
                      f"{behind.url}; }} }} }}\n")
        self.run_beside(["/usr/sbin/nginx", "-c", config])
        port = free_port()
        self.register("pyjwt", "pyjwt", f"http://127.0.0.1:{port}/",
                      "--cache", "2s", reach="poll")
        base = f"http://127.0.0.1:{self.w.public}"
        self.run_beside(
            [sys.executable, "-W", "ignore", f"{HERE}/verifiers/pyjwt_verifier.py"],
            PORT=str(port), JWKS=f"{base}/gateways/pyjwt/drill/jwks.json",
            ISSUER=f"{base}/issuers/drill", AUDIENCE=PROBE, CACHE="2")
        return plain

    def run_beside(self, command, **env):
        process = subprocess.Popen(command, env=dict(os.environ, **env),
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def test_a_drill_measures_every_gateway_and_its_page_verifies(self):
        agent = self.start_gateways()
        before = self.w.keys("active")
        page = os.path.join(self.w.dir, "drill.html")
        ran = self.w.must("drill", "run", "--timeout", "60s", "--format",
                          "html", "--out", page)
        for gateway in ("plain", "nginx", "pyjwt"):
            self.assertRegex(ran.out, rf"{gateway}\s+ENFORCED")
        [drill] = self.w.must("--json", "drill", "list").lines()
        self.assertEqual((drill["gateway_count"], drill["refused_count"]),
                         (3, 3))
        # The page is what was signed, and has a picture with every gateway.
        with open(page) as text:
            html = text.read()
        self.assertIn("<svg", html)
        for gateway in ("plain", "nginx", "pyjwt"):
            self.assertIn(gateway, html)
        self.w.must("certificate", "verify", page)
        with open(page, "w") as out:
            out.write(html.replace("PROBED", "STATED"))
        self.assertEqual(self.w.warder("certificate", "verify", page).code, 7)
        # The report as JSON says when each refused, and that it was asked.
        report = self.w.must("drill", "report", drill["name"], "--format",
                             "json").json()
        self.assertEqual({g["how_known"] for g in report["claims"]["gateways"]},
                         {"PROBED"})
        [statement] = report["claims"]["statements"]
        payload = statement.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(
            payload + "=" * (-len(payload) % 4)))
        self.assertIs(said["drill"], True)
        # Keys of other issuers are as they were; the drill's open nothing.
        self.assertEqual(self.w.keys("active"), before)
        self.assertEqual(agent.answer(self.w.sign())[0], 200)

    def test_the_next_one_shows_a_trend(self):
        self.start_gateways()
        for _ in range(2):
            self.w.must("drill", "run", "--timeout", "60s")
        drills = self.w.must("--json", "drill", "list").lines()
        self.assertEqual(len(drills), 2)
        report = self.w.must("drill", "report", drills[0]["name"], "--format",
                             "json").json()
        self.assertEqual(len(report["claims"]["history"]), 2)
        html = self.w.must("drill", "report", drills[0]["name"], "--format",
                           "html").out
        self.assertIn("the drills before", html)
        # Each left an owner who has departed, and a signed certificate.
        leaver = drills[0]["leaver"].split("/")[1]
        certificate = self.w.must("owner", "certificate", leaver, "--format",
                                  "json").json()
        self.assertEqual(len(certificate["claims"]["refusals"]["statements"]),
                         1)

    def test_a_plan_and_a_bad_bound_end_nothing(self):
        self.w.must("gateway", "create", "pods", "--kind", "libwarder",
                    "--reach", "stream", "--issuer", "drill")
        before = self.w.keys(issuer="drill")
        plan = self.w.must("drill", "run", "--plan")
        self.assertIn("Would end 1 keys of issuers/drill and ask 1 gateways",
                      plan.out)
        refused = self.w.warder("drill", "run", "--timeout", "soon")
        self.assertEqual(refused.code, 2, refused.err)
        self.assertIn("--timeout", refused.err)
        self.assertEqual(self.w.keys(issuer="drill"), before)
        self.assertEqual(self.w.must("--json", "drill", "list").lines(), [])

    def test_only_an_issuer_for_drills_is_drilled(self):
        refused = self.w.warder("drill", "run", "--issuer", "shop")
        self.assertEqual(refused.code, 5, refused.err)
        self.assertIn("warder issuer create drill --drill", refused.err)
        self.assertIn("for drills", self.w.must("issuer", "show", "drill").out)
        self.assertNotIn("for drills", self.w.must("issuer", "show", "shop").out)
        refused = self.w.warder("drill", "run")
        self.assertEqual(refused.code, 5)
        self.assertIn("no gateway is registered", refused.err)

    def test_a_token_of_a_drill_issuer_opens_nothing(self):
        self.w.must("issuer", "update", "drill", "--grant",
                    "signer=checkout audience=api lifetime=5m")
        agent = Agent(self.w, name="plain")
        self.register("plain", "libwarder", agent.url + "/probe")
        self.addCleanup(agent.stop)
        agent.start().wait()
        status, headers = agent.answer(self.w.sign(issuer="drill"))
        self.assertEqual(status, 401)
        self.assertEqual(headers["Warder-Refusal"], "drill_issuer")


if __name__ == "__main__":
    unittest.main(verbosity=2)
