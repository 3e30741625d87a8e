"""A machine whose clock was wrong. libfaketime and AddressSanitizer cannot share
a process, so tools/test leaves this file out where the programs carry it."""
import glob
import subprocess
import unittest

from harness import WARDERD, Warderd


class WrongClockTest(unittest.TestCase):
    def setUp(self):
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not library:
            self.skipTest("SKIPPED: faketime is not installed")
        self.a_month_ahead = {"LD_PRELOAD": library[0], "FAKETIME": "+30d"}
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
