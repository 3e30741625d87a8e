"""What goes wrong around warderd: each fault is named, nothing is lost."""
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import unittest

from harness import WARDERD, Warderd


def serve(w, *args):
    """Runs `warderd serve` that is expected to refuse; returns its words."""
    done = subprocess.run([WARDERD, "serve", "--config", w.config, *args],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr.splitlines()[-1]


class RefusedStartTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd()

    def tearDown(self):
        self.w.close()

    def expect(self, *words):
        code, said = serve(self.w)
        self.assertEqual(code, 1)
        for word in words:
            self.assertIn(word, said)

    def test_a_key_encryption_key_others_may_read(self):
        kek = os.path.join(self.w.data, "key-encryption-key")
        os.chmod(kek, 0o644)
        self.expect(kek, "0644", "chmod 600")

    def test_a_missing_key_encryption_key(self):
        os.remove(os.path.join(self.w.data, "key-encryption-key"))
        self.expect("key-encryption-key", "cannot be opened")

    def test_a_wrong_key_encryption_key(self):
        kek = os.path.join(self.w.data, "key-encryption-key")
        with open(kek, "w") as out:
            out.write("A" * 43 + "\n")
        code, said = serve(self.w)
        self.assertEqual(code, 1)
        self.assertIn("key-encryption key", said)

    def test_a_corrupt_database(self):
        with open(os.path.join(self.w.data, "warder.db"), "r+b") as db:
            db.write(b"garbage" * 1000)
        self.expect("damaged", "restore")

    def test_a_newer_schema(self):
        db = sqlite3.connect(os.path.join(self.w.data, "warder.db"))
        db.execute("INSERT INTO schema_migrations VALUES (99, 'x', 'y', 0)")
        db.commit()
        self.expect("schema version 99", "newer warderd")

    def test_an_unknown_setting(self):
        with open(self.w.config, "a") as out:
            out.write("surprise: 1\n")
        self.expect("surprise", "unknown setting", "warderd.yaml:")

    def test_a_taken_port(self):
        self.w.start()
        other = Warderd()
        other.public = self.w.public
        other.write_config()
        code, said = serve(other)
        other.close()
        self.assertEqual(code, 1)
        self.assertIn("public.address", said)

    def test_a_second_warderd_on_one_directory(self):
        self.w.start()
        self.expect("in use", str(self.w.process.pid))
        self.assertEqual(self.w.get_ops("/readyz")[0], 200)

    def test_a_directory_never_initialised(self):
        code, said = serve(self.w, "--data-dir", self.w.dir + "/none")
        self.assertEqual(code, 1)
        self.assertIn("warderd init", said)


class RunningFaultsTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()

    def tearDown(self):
        self.w.close()

    def test_a_locked_database_stops_changes_and_nothing_else(self):
        db = sqlite3.connect(os.path.join(self.w.data, "warder.db"),
                             isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        answer = self.w.warder("owner", "create", "zoe")
        self.assertEqual(answer.code, 6)
        self.assertIn("locked by another process", answer.err)
        self.assertEqual(self.w.get(self.w.jwks_url())[0], 200)
        self.w.sign()
        ready = json.loads(self.w.get_ops("/readyz")[2])
        self.assertEqual((ready["ready"], ready["store"], ready["key_sets"]),
                         (True, "unavailable", "served from memory"))
        db.execute("ROLLBACK")
        self.w.must("owner", "create", "zoe")
        ready = json.loads(self.w.get_ops("/readyz")[2])
        self.assertEqual(ready["store"], "available")

    def test_a_database_that_is_gone_is_noticed(self):
        path = os.path.join(self.w.data, "warder.db")
        os.rename(path, path + ".moved")
        answer = self.w.warder("owner", "depart", "alice")
        self.assertEqual(answer.code, 6)
        self.assertIn("removed or replaced", answer.err)
        self.assertEqual(self.w.get(self.w.jwks_url())[0], 200)
        self.w.sign()
        os.rename(path + ".moved", path)
        self.w.must("owner", "depart", "alice")

    def still_serves(self, before, disk_takes=True):
        """What needs no store goes on while `before` is published. Where the disk
        takes nothing no token is out: an unrecorded one is worse than none."""
        self.assertEqual(self.w.get(self.w.jwks_url())[2], before)
        if disk_takes:
            self.w.sign()
        else:
            answer = self.w.warder("token", "sign", "--issuer", "shop",
                                   "--audience", "api", who="signer/checkout")
            self.assertEqual((answer.code, answer.out), (6, ""))
            self.assertIn("no token is signed until", answer.err)
        ready = json.loads(self.w.get_ops("/readyz")[2])
        self.assertTrue(ready["ready"])
        return ready

    def test_a_disk_that_takes_no_more_refuses_changes_whole(self):
        before = self.w.get(self.w.jwks_url())[2]
        # This process can write to no file any more.
        subprocess.run(["prlimit", "--pid", str(self.w.process.pid),
                        "--fsize=0:unlimited"], check=True)
        answer = self.w.warder("owner", "depart", "alice")
        self.assertEqual(answer.code, 6, answer.err)
        self.assertIn("cannot be", answer.err)
        ready = self.still_serves(before, disk_takes=False)
        self.assertEqual(ready["store"], "available")  # it can be locked
        subprocess.run(["prlimit", "--pid", str(self.w.process.pid),
                        "--fsize=unlimited"], check=True)
        self.w.sign()
        self.w.must("owner", "depart", "alice")
        self.w.must("audit", "verify")

    def test_a_full_disk_refuses_changes_whole(self):
        self.w.stop()
        kept = self.w.data + ".kept"
        os.rename(self.w.data, kept)
        os.mkdir(self.w.data)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m",
                                "tmpfs", self.w.data], capture_output=True)
        if mount.returncode != 0:
            self.skipTest("SKIPPED: a small disk cannot be mounted here")
        try:
            shutil.copytree(kept, self.w.data, dirs_exist_ok=True)
            self.w.start()
            before = self.w.get(self.w.jwks_url())[2]
            filler = os.path.join(self.w.data, "filler")
            with open(filler, "wb", buffering=0) as out:
                try:
                    while True:
                        out.write(bytes(4096))
                except OSError:
                    pass
            answer = self.w.warder("owner", "depart", "alice")
            self.assertEqual(answer.code, 6, answer.err)
            self.assertIn("the disk is full; free space", answer.err)
            self.still_serves(before, disk_takes=False)
            os.remove(filler)
            self.w.sign()
            self.w.must("owner", "depart", "alice")
            self.w.must("audit", "verify")
        finally:
            self.w.stop()
            subprocess.run(["umount", self.w.data], check=True)

    def test_damaged_pages_are_named_and_stop_no_gateway(self):
        self.w.stop()  # everything is in warder.db now
        self.w.start()
        before = self.w.get(self.w.jwks_url())[2]
        path = os.path.join(self.w.data, "warder.db")
        with open(path, "r+b") as db:
            size = os.path.getsize(path)
            db.seek(4096)
            db.write(b"garbage!" * ((size - 4096) // 8))
        answer = self.w.warder("owner", "depart", "alice")
        self.assertEqual(answer.code, 7, answer.err)
        self.assertIn("damaged", answer.err)
        self.assertIn("restore", answer.err)
        ready = self.still_serves(before)
        self.assertEqual(ready["store"], "damaged")
        self.assertIn("warder_store_available 0",
                      self.w.get_ops("/metrics")[2].decode())

    def test_each_kind_of_bad_input_has_its_exit_code_and_next_step(self):
        kid = "k" * 43
        for command, code, word in (
                (["issuer", "show", "nobody"], 3, "issuers/nobody"),
                (["issuer", "create", "Bad!", "--owner", "alice"], 2,
                 "issuer_id"),
                (["issuer", "create", "shop", "--owner", "alice", "--deputy",
                  "bob"], 5, "already exists"),
                (["issuer", "create", "x", "--owner", "nobody", "--deputy",
                  "bob"], 2, "CreateOwner"),
                (["issuer", "create", "x", "--owner", "alice"], 5,
                 "DEPUTY_REQUIRED"),
                (["issuer", "update", "shop", "--publish-ahead", "1m"], 5,
                 "POLICY_BREAKS_TIMING"),
                (["issuer", "update", "shop", "--etag", '"7"',
                  "--cache-max-age", "10s"], 5, "ETAG_MISMATCH"),
                (["key", "revoke", f"issuers/shop/keys/{kid}", "--reason",
                  "compromised"], 3, kid),
                (["key", "revoke", "x", "--reason", "compromised"], 2,
                 "--issuer"),
                (["key", "list", "--state", "dead"], 2, "--state"),
                (["owner", "depart", "nobody"], 3, "owners/nobody"),
                (["owner", "depart", "alice", "--at", "tomorrow"], 2,
                 "RFC 3339"),
                (["nonsense"], 2, ""),
                (["token", "verify", "--issuer", "shop", "a.b.c"], 7,
                 "refused")):
            answer = self.w.warder(*command)
            self.assertEqual(answer.code, code, (command, answer.err))
            self.assertIn(word, answer.err, command)

    def test_when_the_last_admin_has_departed_the_machine_makes_another(self):
        self.w.certify("hr", "hook")
        self.w.must("owner", "create", "admin", who="hr/hook")
        self.w.must("owner", "depart", "admin", who="hr/hook")
        self.assertEqual(self.w.warder("status").code, 4)
        command = [WARDERD, "issue-client", "--config", self.w.config,
                   "--json", "--client"]
        running = subprocess.run(command + ["root"], capture_output=True,
                                 text=True)
        self.assertEqual(running.returncode, 1)
        self.assertIn("in use", running.stderr)
        self.w.stop()
        departed = subprocess.run(command + ["admin"], capture_output=True,
                                  text=True)
        self.assertEqual(departed.returncode, 1)
        made = subprocess.run(command + ["root"], capture_output=True,
                              text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.w.clients["security/root"] = json.loads(made.stdout)["profile"]
        self.w.start()
        self.w.must("status", who="security/root")
        events = self.w.must("--json", "audit", "list",
                             who="security/root").lines()
        self.assertIn("certificates/security/root",
                      [event["resource"] for event in events])

    def test_idle_strangers_leave_the_grpc_door_its_descriptors(self):
        self.w.stop()
        self.w.start(limits={"nofile": (1024, 1024)})
        strangers = []
        try:
            for _ in range(1100):
                stranger = socket.socket()
                strangers.append(stranger)
                stranger.connect(("127.0.0.1", self.w.public))
            [key] = self.w.keys("ACTIVE")
            self.w.must("key", "revoke", key["name"], "--reason",
                        "compromised")
        finally:
            for stranger in strangers:
                stranger.close()

    def test_an_unreachable_server_says_where_and_what_to_check(self):
        self.w.stop()
        answer = self.w.warder("status")
        self.assertEqual(answer.code, 6)
        self.assertIn(str(self.w.grpc), answer.err)

    def test_sigterm_drains_and_exits_cleanly(self):
        self.assertEqual(self.w.stop(), 0)
        self.assertIn("warderd.draining", self.w.log_text())

    def test_core_dumps_are_off(self):
        with open(f"/proc/{self.w.process.pid}/limits") as limits:
            core = [l for l in limits if l.startswith("Max core file size")][0]
        self.assertEqual(core.split()[4], "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
