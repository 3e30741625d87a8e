"""A revocation from the command line, followed until every gateway refuses."""
import json
import os
import subprocess
import time
import unittest

from harness import WARDER, Warderd


class RevocationTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()

    def tearDown(self):
        self.w.close()

    def active_kid(self):
        return self.w.keys("active")[0]["kid"]

    def revoke(self):
        kid = self.active_kid()
        self.w.must("key", "revoke", kid, "--issuer", "shop", "--reason",
                    "compromised")
        return kid

    def show(self, kid):
        return self.w.warder("--json", "revocation", "show", kid).json()

    def fetch(self, gateway):
        status, headers, body = self.w.get(
            f"http://127.0.0.1:{self.w.public}/gateways/{gateway}/shop/"
            "jwks.json")
        self.assertEqual(status, 200)
        return ([key["kid"] for key in json.loads(body)["keys"]],
                int(headers["Warder-Revision"]))

    def watch(self, *args):
        return subprocess.Popen(
            [WARDER, "--profile", self.w.profile, "revocation", "watch", *args],
            stdout=subprocess.PIPE, text=True, env=os.environ)

    def wait_for(self, kid, gateway, state):
        deadline = time.monotonic() + 45
        while time.monotonic() < deadline:
            for confirmation in self.show(kid)["confirmations"]:
                if (confirmation["gateway"] == f"gateways/{gateway}"
                        and confirmation["state"] == state):
                    return confirmation
            time.sleep(0.1)
        self.fail(f"{gateway} never was {state}: {self.show(kid)}")

    def test_fetched_then_by_horizon_then_stated_across_a_restart(self):
        w = self.w
        w.must("gateway", "create", "edge", "--kind", "envoy", "--issuer",
               "shop", "--cache", "1s")
        w.must("gateway", "create", "k8s", "--kind", "kubernetes", "--issuer",
               "shop", "--contact", "platform@example.org")
        self.fetch("edge")
        kid = self.revoke()
        kids, revision = self.fetch("edge")
        self.assertNotIn(kid, kids)
        self.assertGreaterEqual(revision, int(self.show(kid)["revision"]))
        edge = self.wait_for(kid, "edge", "ENFORCED")
        self.assertEqual((edge["fetched_by"], edge["enforced_by"]),
                         ("FETCH", "HORIZON"))
        k8s = self.show(kid)["confirmations"][1]
        self.assertEqual(k8s["state"], "PENDING")
        self.assertIn("unknown kid", k8s["unbounded_why"])
        self.assertIn("--probe-url", k8s["next"])
        # A restart in the middle forgets nothing.
        w.stop()
        w.start()
        watching = self.watch(kid, "--timeout", "60s")
        time.sleep(0.5)
        w.must("gateway", "confirm", "k8s", kid)
        out, _ = watching.communicate(timeout=60)
        self.assertEqual(watching.returncode, 0, out)
        self.assertIn("k8s  ENFORCED", out)
        self.assertIn("stated by security/admin", out)
        listed = w.must("--json", "revocation", "list").lines()
        self.assertEqual(listed[0]["enforced_count"], 2)
        self.assertIn("close_time", listed[0])
        self.assertEqual(w.must("--json", "revocation", "list", "--open")
                         .lines(), [])
        self.assertIn("revocation.confirmed", w.must("audit", "list").out)

    def test_a_plan_says_who_would_notice(self):
        w = self.w
        kid = self.active_kid()
        plan = w.must("--json", "key", "revoke", kid, "--issuer", "shop",
                      "--reason", "compromised", "--plan").json()
        self.assertEqual(plan["gateways"], [])
        w.sign()
        w.must("gateway", "create", "edge", "--kind", "envoy", "--issuer",
               "shop")
        w.must("gateway", "create", "k8s", "--kind", "kubernetes", "--issuer",
               "shop")
        w.must("key", "issue", "--issuer", "shop")  # a successor, published
        self.fetch("edge")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            plan = w.must("--json", "key", "revoke", kid, "--issuer", "shop",
                          "--reason", "compromised", "--plan").json()
            edge, k8s = plan["gateways"]
            if edge["holds_successor"]:
                break
            time.sleep(0.1)
        self.assertTrue(edge["holds_successor"])
        self.assertEqual(edge["latest"], "600s")
        self.assertFalse(k8s["holds_successor"])
        self.assertNotIn("latest", k8s)
        self.assertEqual(plan["live_tokens"], "1")
        self.assertTrue(plan["successor_published"])
        self.assertEqual(self.active_kid(), kid)  # nothing was done
        text = w.must("key", "revoke", kid, "--issuer", "shop", "--reason",
                      "compromised", "--plan").out
        self.assertIn("unbounded", text)
        self.assertIn("once it fetches", text)

    def test_overdue_is_exit_three(self):
        w = self.w
        w.must("issuer", "update", "shop", "--verifier-cache", "0s",
               "--cache-max-age", "1s", "--max-revocation-exposure", "1s")
        w.must("gateway", "create", "k8s", "--kind", "kubernetes", "--issuer",
               "shop")
        kid = self.revoke()
        watching = self.watch(kid)
        out, _ = watching.communicate(timeout=60)
        self.assertEqual(watching.returncode, 3, out)
        self.assertIn("OVERDUE", out)
        self.assertIn("unbounded", out)
        self.assertEqual(w.warder("revocation", "show", kid).code, 3)
        self.assertEqual(w.metrics()["warder_confirmations_overdue"], 1)

    def test_bad_fields_are_named_and_change_nothing(self):
        w = self.w
        for field, *flags in (
                ("consumer", "--kind", "enovy", "--issuer", "shop"),
                ("probe.url", "--kind", "envoy", "--issuer", "shop",
                 "--probe-url", "http://169.254.169.254/", "--probe-audience",
                 "urn:warder:probe"),
                # Its token, by a living key, would open the real thing.
                ("probe.audience", "--kind", "envoy", "--issuer", "shop",
                 "--probe-url", "https://api.example/", "--probe-audience",
                 "https://api.example"),
                ("fetch_sources[0]", "--kind", "envoy", "--issuer", "shop",
                 "--fetches-from", "everywhere"),
                ("issuers/nobody", "--kind", "envoy", "--issuer", "nobody")):
            failed = w.warder("gateway", "create", "edge", *flags)
            self.assertNotEqual(failed.code, 0)
            self.assertIn(field, failed.err)
        # --plan shows what would be and makes nothing.
        w.must("gateway", "create", "edge", "--kind", "envoy", "--issuer",
               "shop", "--plan")
        self.assertEqual(w.must("--json", "gateway", "list").lines(), [])
        self.assertGreater(
            len(w.must("--json", "gateway", "kinds").lines()), 30)


if __name__ == "__main__":
    unittest.main()
