"""A machine whose clock was wrong. libfaketime and AddressSanitizer cannot share
a process, so tools/test leaves this file out where the programs carry it."""
import glob
import subprocess
import time
import unittest

from agent_process import Agent
from harness import WARDERD, Warderd


def shifted(test, by):
    """The environment of a process whose clock is off, or skips `test`."""
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        test.skipTest("SKIPPED: faketime is not installed")
    return {"LD_PRELOAD": library[0], "FAKETIME": by}


class WrongClockTest(unittest.TestCase):
    def setUp(self):
        self.a_month_ahead = shifted(self, "+30d")
        self.w = Warderd().start()
        self.addCleanup(self.w.close)
        self.w.set_up_shop()

    def test_accept_clock_ends_the_wait_for_a_wrong_future(self):
        self.w.stop()
        # A machine that started with a wrong clock, and a change made then.
        self.w.start(env=self.a_month_ahead)
        self.w.must("owner", "create", "zoe", env=self.a_month_ahead)
        self.w.stop()
        self.w.start()
        refused = self.w.warder("owner", "create", "yves")
        self.assertEqual(refused.code, 5, refused.err)
        self.assertIn("warderd accept-clock", refused.err)
        self.w.sign()
        self.w.stop()
        done = subprocess.run([WARDERD, "accept-clock", "--config",
                               self.w.config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("clock.accepted", done.stdout)
        self.w.start()
        self.w.must("owner", "create", "yves")
        self.w.must("audit", "verify")


class AgentsClockTest(unittest.TestCase):
    def check(self, by):
        """A revoked key is refused, and proved to be, whatever time it is."""
        w = Warderd().start()
        self.addCleanup(w.close)
        w.set_up_shop()
        agent = Agent(w, name="edge", clock_skew="3m")
        w.must("gateway", "create", "edge", "--kind", "nginx-auth-request",
               "--reach", "stream", "--issuer", "shop", "--probe-url",
               agent.url + "/probe", "--probe-audience", "urn:warder:probe",
               "--probe-local")
        self.addCleanup(agent.stop)
        agent.start(**shifted(self, by)).wait()
        token = w.sign()
        self.assertEqual(agent.answer(token)[0], 200)
        key = w.keys("active")[0]["kid"]
        w.must("key", "revoke", key, "--issuer", "shop", "--reason",
               "compromised")
        watched = w.warder("revocation", "watch", key, "--timeout", "20s")
        self.assertEqual(watched.code, 0, watched.out + watched.err)
        self.assertIn("a probe was refused", watched.out)
        self.assertEqual(agent.answer(token)[0], 401)
        self.assertEqual(agent.answer(w.sign())[0], 200)
        # Cut off it refuses within its bound of staleness, which is 30 s.
        w.stop()
        end = time.monotonic() + 35
        while time.monotonic() < end and agent.health()[0] == 200:
            time.sleep(0.2)
        self.assertGreater(end, time.monotonic())

    def test_two_minutes_ahead(self):
        self.check("+2m")

    def test_two_minutes_behind(self):
        self.check("-2m")


if __name__ == "__main__":
    unittest.main(verbosity=2)
