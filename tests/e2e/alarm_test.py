"""A man with a copy of a key makes perfect signatures. The first one rings."""
import base64
import json
import os
import sqlite3
import subprocess
import time
import unittest

from agent_process import Agent
from harness import Warderd

THIEF = os.environ["THIEF"]


def part(value):
    return base64.urlsafe_b64encode(json.dumps(
        value).encode()).rstrip(b"=").decode()


def read(token, at):
    text = token.split(".")[at]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class Thief:
    """Holds what lay in the database, and the key-encryption key."""

    def __init__(self, w, issuer="shop"):
        self.kek = os.path.join(w.data, "key-encryption-key")
        self.issuer = issuer
        with sqlite3.connect(os.path.join(w.data, "warder.db")) as db:
            self.kid, self.sealed = db.execute(
                "SELECT id, sealed FROM keys WHERE issuer = ? AND "
                "state = 'ACTIVE'", (issuer,)).fetchone()

    def forge(self, token, **claims):
        """A token like that one, but for some claims; jti is copied, too."""
        body = part(read(token, 0)) + "." + part({**read(token, 1), **claims})
        return subprocess.run(
            [THIEF, self.kek, self.issuer, self.kid, self.sealed], input=body,
            capture_output=True, text=True, check=True).stdout.strip()


class AlarmTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()
        self.w.must("gateway", "create", "edge", "--kind",
                    "nginx-auth-request", "--reach", "stream", "--issuer",
                    "shop")
        self.agent = Agent(self.w, cached_tokens=100).start().wait()

    def tearDown(self):
        self.agent.stop()
        self.w.close()

    def alarms(self, *args):
        # The books of the stolen key ring as well where the ledger is older
        # than the ten minutes they are kept by; key_usage_test.cc holds that.
        return [alarm for alarm in
                self.w.must("--json", "alarm", "list", *args).lines()
                if alarm["kind"] != "EXCESS"]

    def wait_for(self, what, seconds=15):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if what():
                return
            time.sleep(0.1)
        self.fail(f"{self.alarms('--all')}\n{self.agent.health()}\n"
                  f"{self.w.log_text()[-2000:]}")

    def shown(self, token, expected=200):
        self.assertEqual(self.agent.answer(token)[0], expected)

    def observed(self):
        return self.agent.health()[1]["observed"]

    def test_the_first_forged_token_rings_and_what_follows(self):
        token = self.w.sign()
        thief = Thief(self.w)
        honest = [token] + [self.w.sign() for _ in range(5)]
        for one in honest:
            self.shown(one)
        self.wait_for(lambda: self.observed()["reported"] == 6)
        self.assertEqual(self.alarms(), [])

        started = time.monotonic()
        forged = thief.forge(token, sub="nobody-at-all")
        self.shown(forged)  # its signature is good
        self.wait_for(self.alarms)
        print(f"rang {time.monotonic() - started:.1f} s after the first one")
        alarm = self.alarms()[0]
        self.assertEqual(
            (alarm["kind"], alarm["severity"], alarm["state"], alarm["count"]),
            ("NEVER_ISSUED", "TICKET", "OPEN", "1"))
        self.assertEqual(alarm["kid"], thief.kid)
        self.assertEqual(alarm["gateway"], "gateways/edge")
        self.assertEqual(
            alarm["next_step"],
            f"warder key revoke issuers/shop/keys/{thief.kid} --reason "
            "compromised")
        self.wait_for(lambda: "nobody-at-all" in self.alarms()[0]["evidence"])
        evidence = self.alarms()[0]["evidence"]
        self.assertNotIn(forged.split(".")[2], evidence)
        shown = self.w.must("alarm", "show", "1").out
        self.assertIn("nobody-at-all", shown)
        self.assertIn("warder key revoke", shown)

        # The same one again, and cached: nothing new. Three others wake somebody.
        self.shown(forged)
        for name in ("a", "b"):
            self.shown(thief.forge(token, sub=name))
        self.wait_for(lambda: self.alarms()[0]["severity"] == "PAGE")
        self.assertEqual(self.alarms()[0]["count"], "3")
        self.assertEqual(len(self.alarms()), 1)
        metrics = self.w.metrics()
        for severity in ("TICKET", "PAGE"):
            self.assertEqual(metrics['warder_alarms_total{kind="NEVER_ISSUED",'
                                     f'severity="{severity}"}}'], 1)
        self.assertIn('"event":"alarm.paged"', self.w.log_text())

        # What the alarm says is done; the thief is refused, and seen.
        self.w.must(*alarm["next_step"].split()[1:])
        self.wait_for(lambda: self.agent.answer(forged)[0] == 401)
        self.shown(self.w.sign())
        late = thief.forge(token, sub="late")
        self.shown(late, 401)
        self.wait_for(lambda: self.alarms()[0]["kind"] == "DEAD_KEY")
        # An honest one that outlives its key is refused, and no alarm.
        count = self.alarms()[0]["count"]
        self.shown(token, 401)
        self.shown(thief.forge(token, sub="marker"), 401)
        self.wait_for(lambda: self.alarms()[0]["count"] != count)
        self.assertEqual(int(self.alarms()[0]["count"]), int(count) + 1)

        # People look into it, and say so.
        self.w.must("alarm", "ack", "1", "--note", "on it")
        self.w.must("alarm", "close", "alarms/1", "--note", "key revoked")
        # The books of the stolen key: five more were seen than it has signed.
        usage = self.w.must("--json", "key", "usage", thief.kid, "--issuer",
                            "shop").json()
        windows = [w for w in usage["windows"] if w.get("observed", "0") != "0"]
        self.assertEqual(sum(int(w["observed"]) for w in windows), 9)
        self.assertEqual(usage["signers"], {"checkout": "6"})
        self.assertIn("SIGNED", self.w.must(
            "key", "usage", thief.kid, "--issuer", "shop").out)
        closed = self.w.must("--json", "alarm", "show", "1").json()
        self.assertEqual((closed["state"], closed["closed_by"], closed["note"]),
                         ("CLOSED", "admin", "key revoked"))
        self.assertEqual([a["kind"] for a in self.alarms()], ["DEAD_KEY"])
        self.assertEqual(len(self.alarms("--all")), 2)
        actions = [e["action"] for e in self.w.must(
            "--json", "audit", "list").lines()]
        for action in ("alarm.raised", "alarm.paged", "alarm.acknowledged",
                       "alarm.closed"):
            self.assertIn(action, actions)

        # What is seen while the server is down is reported when it is back.
        forged = Thief(self.w).forge(self.w.sign(), sub="while it is down")
        self.w.stop()
        self.shown(forged)
        time.sleep(6)  # a report that failed
        self.w.start()
        self.wait_for(lambda: "while it is down" in self.alarms()[0][
            "evidence"], 40)


if __name__ == "__main__":
    unittest.main(verbosity=2)
