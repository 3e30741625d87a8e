"""kill -9 between any two steps of a revocation and of a departure.

After the restart: what was acknowledged holds; what was not is whole or absent.
"""
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
from harness import Warderd  # noqa: E402

CRASH_WARDERD = os.environ["CRASH_WARDERD"]


class CrashTest(unittest.TestCase):
    def crash_at(self, step, command, check):
        """Returns whether the command was acknowledged without a crash."""
        w = Warderd()
        try:
            w.start()
            w.set_up_shop()
            before = w.keys()[0]
            w.stop()
            w.start(binary=CRASH_WARDERD, args=[w.config],
                    env={"WARDER_CRASH_STEP": str(step)})
            open(os.path.join(w.data, "armed"), "w").close()
            answer = w.warder(*command(before))
            crashed = w.process.poll() is not None
            if not crashed:
                # Acknowledged: killed all the same, with nothing drained.
                w.stop(signal.SIGKILL)
                os.remove(os.path.join(w.data, "armed"))
            w.process = None
            w.start()
            self.check_whole_or_absent(w, before, answer.code == 0, check, step)
            self.assertEqual(w.must("--json", "audit", "verify").json()
                             ["verified"], True)
            # And it goes on working: the call can be made again.
            w.must(*command(before))
            self.assertEqual(w.keys("revoked")[0]["kid"], before["kid"])
            token = w.sign()
            w.must("token", "verify", "--issuer", "shop", token)
            return answer.code == 0
        finally:
            w.close()

    def check_whole_or_absent(self, w, before, acknowledged, check, step):
        keys = {key["kid"]: key for key in w.keys()}
        events = [e["action"] for e in w.must("--json", "audit", "list").lines()]
        published = w.get(w.jwks_url())[2].decode()
        revoked = keys[before["kid"]]["state"] == "KEY_STATE_REVOKED"
        if acknowledged:
            self.assertTrue(revoked, f"step {step}: an acknowledged change is "
                                     "lost")
        self.assertEqual(revoked, "key.revoked" in events, step)
        self.assertEqual(revoked, before["kid"] not in published, step)
        active = [k for k in keys.values() if k["state"] == "KEY_STATE_ACTIVE"]
        self.assertEqual(len(active), 1, step)
        self.assertEqual(revoked, active[0]["kid"] != before["kid"], step)
        self.assertIn(active[0]["kid"], published, step)
        check(self, w, revoked)

    def run_all(self, command, check, least):
        for step in range(1, 40):
            if self.crash_at(step, command, check):
                self.assertGreaterEqual(step, least, "too few steps were tried")
                print(f"{step - 1} crashes survived")
                return
        self.fail("no step count let the command through")

    def test_revocation(self):
        def command(key):
            return ("key", "revoke", key["name"], "--reason", "compromised")
        self.run_all(command, lambda *_: None, 8)

    def test_departure(self):
        def check(test, w, revoked):
            owner = w.must("--json", "owner", "show", "alice").json()
            test.assertEqual(revoked, owner["state"] == "DEPARTED")
            issuer = w.must("--json", "issuer", "show", "shop").json()
            test.assertEqual(revoked, issuer["owner"] == "owners/bob")
        self.run_all(lambda key: ("owner", "depart", "alice"), check, 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
