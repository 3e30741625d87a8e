"""Gateways that refuse, lie, hang, reset, redirect: what their probes prove."""
import http.server
import json
import socket
import threading
import time
import unittest

from agent_process import Agent
from harness import Warderd


class Liar(http.server.BaseHTTPRequestHandler):
    """Answers as the last part of its path says."""

    def do_GET(self):
        how = self.path.rsplit("/", 1)[-1]
        self.server.seen.append((how, self.headers.get("Authorization", "")))
        if how == "hang":
            time.sleep(30)
        elif how == "reset":
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            return
        elif how == "redirect":
            self.send_response(302)
            self.send_header("Location",
                             f"http://127.0.0.1:{self.server.server_port}/204")
        else:
            self.send_response(int(how))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class ProofTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()
        self.agents = []

    def tearDown(self):
        for agent in self.agents:
            agent.stop()
        self.w.close()

    def register(self, name, url, kind="nginx-auth-request", reach="stream"):
        self.w.must("gateway", "create", name, "--kind", kind, "--reach",
                    reach, "--issuer", "shop", "--probe-url", url,
                    "--probe-audience", "urn:warder:probe", "--probe-local")

    def revoke(self):
        kid = self.w.keys("active")[0]["kid"]
        self.w.must("key", "revoke", kid, "--issuer", "shop", "--reason",
                    "compromised")
        return kid

    def confirmations(self, kid):
        shown = self.w.warder("--json", "revocation", "show", kid).json()
        return {c["gateway"].split("/")[1]: c for c in shown["confirmations"]}

    def test_a_gateway_proves_that_it_refuses_also_across_a_restart(self):
        agent = Agent(self.w, name="edge")
        self.register("edge", agent.url + "/probe")
        self.agents.append(agent.start())
        agent.wait()
        kid = self.revoke()
        done = self.w.warder("revocation", "watch", kid, "--timeout", "30s")
        self.assertEqual(done.code, 0, done.out)
        edge = self.confirmations(kid)["edge"]
        self.assertEqual(edge["enforced_by"], "PROBED")
        # Which was first, its word or the proof, is a race; both are on record.
        self.assertIn(edge["fetched_by"], ("ACKNOWLEDGED", "PROBED"))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            [standing] = self.w.warder("--json", "gateway", "show",
                                       "edge").json()["standings"]
            if standing["revision"] == standing["published_revision"]:
                break
        self.assertEqual(standing["revision"], standing["published_revision"])
        self.assertTrue(standing["acknowledged"], standing)
        # The next one while the gateway is down, and warderd killed.
        agent.stop()
        second = self.revoke()
        time.sleep(1)
        self.assertNotEqual(self.confirmations(second)["edge"]["state"],
                            "ENFORCED")
        self.w.stop()
        self.w.start()
        agent.start()
        done = self.w.warder("revocation", "watch", second, "--timeout", "60s")
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual(self.confirmations(second)["edge"]["enforced_by"],
                         "PROBED")
        self.assertIn("revocation.proved", self.w.must("audit", "list").out)

    def test_nobody_proves_anything_by_misbehaving(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        server.daemon_threads = True
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        ways = ["200", "401", "500", "hang", "reset", "redirect"]
        for way in ways:
            self.register("g" + way,
                          f"http://127.0.0.1:{server.server_port}/{way}",
                          kind="envoy", reach="poll")
        kid = self.revoke()
        deadline = time.monotonic() + 25
        while time.monotonic() < deadline:
            known = self.confirmations(kid)
            if all(c.get("detail") for c in known.values()):
                break
            time.sleep(0.2)
        for way in ways:
            self.assertNotEqual(known["g" + way]["state"], "ENFORCED", way)
        self.assertIn("accept_time", known["g200"])
        self.assertIn("proves nothing", known["g401"]["detail"])
        self.assertIn("HTTP 500", known["g500"]["detail"])
        self.assertIn("HTTP 302", known["gredirect"]["detail"])
        # A redirect is followed by nobody, least of all with a token.
        self.assertNotIn("204", [how for how, _ in server.seen])
        # One that hangs delays no other.
        self.assertGreater(
            sum(1 for how, _ in server.seen if how == "401"), 3)

    def test_a_liar_on_the_stream_is_exposed(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        server.daemon_threads = True
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.register("edge", f"http://127.0.0.1:{server.server_port}/200")
        agent = Agent(self.w, name="edge").start()
        self.agents.append(agent)
        agent.wait()
        kid = self.revoke()
        done = self.w.warder("revocation", "watch", kid, "--timeout", "30s")
        self.assertEqual(done.code, 3, done.out)
        self.assertIn("says that it refuses, and was seen to accept", done.out)
        self.assertIn("revocation.contradicted",
                      self.w.must("audit", "list").out)

    def test_a_canary_opens_no_backend(self):
        agent = Agent(self.w, name="edge")
        self.register("edge", agent.url + "/probe")
        self.agents.append(agent.start())
        agent.wait()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.register("thief", f"http://127.0.0.1:{server.server_port}/401",
                      kind="envoy", reach="poll")
        self.revoke()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and len(server.seen) < 2:
            time.sleep(0.1)
        for _, header in server.seen:
            token = header.removeprefix("Bearer ")
            self.assertEqual(agent.answer(token)[0], 401)
        living = server.seen[1][1].removeprefix("Bearer ")
        self.assertEqual(agent.answer(living, "/probe")[0], 204)
        self.assertEqual(agent.answer(living)[1]["Warder-Refusal"],
                         "wrong_audience")


if __name__ == "__main__":
    unittest.main(verbosity=2)
