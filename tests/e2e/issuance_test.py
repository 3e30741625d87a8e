"""Keys that a service keeps itself, decoys, and gateways that ask the ledger.

The thief here is PyJWT with a copy of a private key: nothing of ours."""
import json
import os
import shutil
import time
import unittest
import urllib.request

import jwt

from agent_process import Agent
from harness import Warderd


class IssuanceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = Warderd().start()
        cls.w.must("owner", "create", "alice")
        cls.w.must("owner", "create", "bob")

    @classmethod
    def tearDownClass(cls):
        cls.w.close()

    def setUp(self):
        # A service, its issuer and a gateway for each test.
        self.issuer = self.id().rsplit("_", 1)[1]
        self.service = "svc-" + self.issuer
        self.gateway = "edge-" + self.issuer
        self.key_file = os.path.join(self.w.dir, self.issuer + ".pem")
        self.w.must("issuer", "create", self.issuer, "--owner", "alice",
                    "--deputy", "bob", "--grant",
                    f"signer={self.service} audience=api external=yes")
        self.w.certify("signer", self.service)
        self.w.must("gateway", "create", self.gateway, "--kind",
                    "nginx-auth-request", "--reach", "stream", "--issuer",
                    self.issuer)
        self.agent = Agent(self.w, name=self.gateway,
                           cached_tokens=100).start().wait()

    def tearDown(self):
        self.agent.stop()

    def as_service(self, *args):
        return self.w.must(*args, who="signer/" + self.service)

    def register(self):
        name = self.as_service(
            "--json", "key", "register", "--issuer", self.issuer, "--key-file",
            self.key_file, "--immediate").json()["name"]
        self.wait_for(lambda: self.agent.answer(self.sign())[0] == 200)
        return name

    def sign(self):
        return self.as_service(
            "token", "sign", "--issuer", self.issuer, "--key-file",
            self.key_file, "--audience", "api", "--subject", "u1").out.strip()

    def forge(self, pem, kid, **claims):
        now = int(time.time())
        iss = f"http://127.0.0.1:{self.w.public}/issuers/{self.issuer}"
        return jwt.encode({"iss": iss, "aud": "api", "sub": "mallory",
                           "iat": now, "exp": now + 300, **claims}, pem,
                          algorithm="ES256", headers={"kid": kid})

    def steal(self, name):
        """What is left of the key once it is copied: its PEM and its kid."""
        with open(self.key_file) as file:
            return file.read(), name.rsplit("/", 1)[1]

    def kept(self):
        """The set that the agent would begin with."""
        with open(os.path.join(self.agent.dir, "state",
                               "key-sets.json")) as file:
            return json.load(file)["sets"][0]

    def alarms(self):
        return [alarm for alarm in
                self.w.must("--json", "alarm", "list").lines()
                if alarm["issuer"] == "issuers/" + self.issuer
                and alarm["kind"] != "EXCESS"]

    def wait_for(self, what, seconds=15):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if what():
                return
            time.sleep(0.1)
        self.fail(f"{self.alarms()}\n{self.agent.health()}\n"
                  f"{self.w.log_text()[-2000:]}")

    def answer(self, token):
        """The status, why it was refused, and what the ledger said."""
        status, headers = self.agent.answer(token)
        return (status, headers.get("Warder-Refusal"),
                headers.get("Warder-Issued"))

    def test_a_copy_of_a_services_own_key_rings_own(self):
        name = self.register()
        token = self.sign()
        # Somebody else's verifier takes it by the public key set.
        keys = jwt.PyJWKClient(
            f"http://127.0.0.1:{self.w.public}/issuers/{self.issuer}"
            "/.well-known/jwks.json")
        claims = jwt.decode(token, keys.get_signing_key_from_jwt(token).key,
                            algorithms=["ES256"], audience="api")
        self.assertEqual(claims["sub"], "u1")
        shown = self.w.must("--json", "key", "show", name).json()
        self.assertEqual((shown["kind"], shown["state"], shown["signer"]),
                         ("KEY_KIND_EXTERNAL", "KEY_STATE_ACTIVE",
                          self.service))
        self.assertIn(f"kept by {self.service}",
                      self.w.must("key", "show", name).out)
        self.assertEqual(self.w.warder(
            "token", "check", token, "--issuer", self.issuer).code, 0)
        self.assertEqual(self.answer(token)[0], 200)

        pem, kid = self.steal(name)
        forged = self.forge(pem, kid)
        self.assertEqual(self.answer(forged)[0], 200)  # its signature is good
        self.wait_for(self.alarms)
        alarm = self.alarms()[0]
        self.assertEqual((alarm["kind"], alarm["kid"]), ("NEVER_ISSUED", kid))
        self.assertEqual(alarm["gentle_step"], f"warder key drain {name}")

        # What the alarm says is done: nobody is logged out but the thief.
        self.w.must(*alarm["gentle_step"].split()[1:])
        self.wait_for(lambda: self.answer(forged)[0] == 401)
        self.assertEqual(self.answer(forged)[1], "never_issued")
        self.assertEqual(self.answer(self.forge(pem, kid))[1], "never_issued")
        self.assertEqual(self.answer(token), (200, None, "issued"))
        # The service goes on with a key that nobody has.
        refused = self.w.warder(
            "token", "sign", "--issuer", self.issuer, "--key-file",
            self.key_file, "--audience", "api", who="signer/" + self.service)
        self.assertEqual(refused.code, 5, refused.err)
        os.remove(self.key_file)
        self.assertNotEqual(self.register(), name)

    def test_a_lease_and_a_grant_hold_ext(self):
        self.as_service("key", "register", "--issuer", self.issuer,
                        "--key-file", self.key_file, "--lease", "1m")
        renewed = self.as_service("--json", "key", "renew", "--issuer",
                                  self.issuer, "--key-file", self.key_file,
                                  "--lease", "2h").json()
        self.assertEqual(self.w.must("--json", "key", "show",
                                     renewed["name"]).json()["state"],
                         "KEY_STATE_PENDING")
        early = self.w.warder(
            "token", "sign", "--issuer", self.issuer, "--key-file",
            self.key_file, "--audience", "api", who="signer/" + self.service)
        self.assertEqual(early.code, 5, early.err)
        self.w.certify("signer", "stranger")
        other = self.w.warder("key", "register", "--issuer", self.issuer,
                              "--key-file", self.key_file,
                              who="signer/stranger")
        self.assertEqual(other.code, 4)
        self.assertIn("external=yes", other.err)

    def test_a_gateway_that_enforces_lets_no_forged_token_in_enf(self):
        name = self.register()
        self.w.must("gateway", "update", self.gateway, "--mode",
                    f"{self.issuer}=enforce")
        pem, kid = self.steal(name)
        self.wait_for(lambda: self.answer(self.sign())[2] == "issued")
        self.assertEqual(self.answer(self.forge(pem, kid))[:2],
                         (401, "never_issued"))
        # The gateway asked, so the alarm is there before its answer.
        self.assertEqual([a["kind"] for a in self.alarms()],
                         ["NEVER_ISSUED"])
        self.assertEqual(self.alarms()[0]["count"], "1")
        self.assertIn("mallory", self.alarms()[0]["evidence"])
        rejected = sum(self.answer(self.sign())[0] != 200 for _ in range(20))
        self.assertEqual(rejected, 0)

        self.w.must("gateway", "update", self.gateway, "--mode",
                    f"{self.issuer}=step-up")
        self.wait_for(lambda: self.answer(self.forge(pem, kid))[0] == 200)
        self.assertEqual(self.answer(self.forge(pem, kid))[2], "never_issued")
        self.assertEqual(self.answer(self.sign())[2], "issued")
        poll = self.w.warder("gateway", "create", "poller", "--kind", "other",
                             "--issuer", self.issuer, "--mode",
                             f"{self.issuer}=enforce")
        self.assertEqual(poll.code, 2, poll.err)
        self.assertIn("issuance_modes", poll.err)

    def load(self, *lines):
        path = os.path.join(self.w.dir, "subjects.txt")
        with open(path, "w", errors="surrogateescape") as out:
            out.writelines(line + "\n" for line in lines)
        return self.w.warder("--json", "subjects", "load", path, "--issuer",
                             self.issuer)

    def test_who_forges_tokens_for_nobody_is_refused_subj(self):
        name = self.register()
        pem, kid = self.steal(name)
        self.assertEqual(self.answer(self.forge(pem, kid))[0], 200)
        everybody = [f"u{i}" for i in range(1000)]
        loaded = self.load(*everybody, "u7")
        self.assertEqual(loaded.code, 0, loaded.err)
        self.assertEqual(loaded.json()["count"], "1000")
        self.wait_for(lambda: self.agent.health()[1]["subjects"] == 1000)
        self.assertEqual(self.answer(self.sign()), (200, None, None))
        # Also where gateways only observe: it names nobody, and is no record.
        forged = self.forge(pem, kid, sub="x-44000000", jti="1")
        self.assertEqual(self.answer(forged)[:2], (401, "never_issued"))
        self.assertIn("UNKNOWN_SUBJECT", [a["kind"] for a in self.alarms()])
        alarm = [a for a in self.alarms() if a["kind"] == "UNKNOWN_SUBJECT"][0]
        self.assertEqual(alarm["kid"], kid)
        self.assertIn("names nobody", alarm["summary"])
        # Who came since the load has honest tokens.
        fresh = self.as_service(
            "token", "sign", "--issuer", self.issuer, "--key-file",
            self.key_file, "--audience", "api", "--subject",
            "new-customer").out.strip()
        self.assertEqual(self.answer(fresh), (200, None, "issued"))

        for lines, code, word in (
                (["a", "", "b"], 2, "line 2"), (["x" * 256], 2, "line 1"),
                ([], 2, "holds no subject"),
                (["u1"], 5, "--allow-fewer"),
                (["caf\udce9"], 2, "line 1")):
            bad = self.load(*lines)
            self.assertEqual(bad.code, code, bad.err)
            self.assertIn(word, bad.err)
        self.assertEqual(self.w.warder("subjects", "show", "--issuer",
                                       "nobodys").code, 3)
        self.assertEqual(self.w.warder(
            "subjects", "remove", "--issuer", self.issuer,
            who="signer/" + self.service).code, 4)
        self.assertIn("1000", self.w.must("subjects", "show", "--issuer",
                                          self.issuer).out)
        self.w.must("subjects", "remove", "--issuer", self.issuer)
        self.wait_for(lambda: self.agent.health()[1]["subjects"] == 0)
        self.assertEqual(self.answer(self.forge(
            pem, kid, sub="x-44000001", jti="2"))[0], 200)

    def test_where_the_ledger_cannot_be_asked_cut(self):
        name = self.register()
        self.w.must("gateway", "update", self.gateway, "--mode",
                    f"{self.issuer}=enforce")
        self.wait_for(lambda: self.answer(self.sign())[2] == "issued")
        token, drained = self.sign(), self.sign()
        self.w.stop()
        try:
            self.assertEqual(self.answer(token), (200, None, "indeterminate"))
        finally:
            self.w.start()
        self.wait_for(lambda: self.agent.health()[1].get("connected"))
        self.w.must("key", "drain", name)
        kid = name.rsplit("/", 1)[1]
        self.wait_for(lambda: kid in self.kept()["ledger_required"])
        self.w.stop()
        try:
            self.assertEqual(self.answer(drained)[:2],
                             (401, "issuance_unknown"))
        finally:
            self.w.start()
        self.wait_for(lambda: self.answer(drained)[0] == 200)

    def test_a_decoy_names_the_place_that_leaked_honey(self):
        path = os.path.join(self.w.dir, "decoy.pem")
        made = self.w.must("--json", "honey", "create", "--issuer",
                           self.issuer, "--place", "ci-variables", "--out",
                           path).json()
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        kid = made["key"]["kid"]
        # To a reader of the key set it is a key like any other.
        with urllib.request.urlopen(self.w.jwks_url(self.issuer)) as answer:
            keys = json.load(answer)["keys"]
        self.assertEqual(len({tuple(sorted(key)) for key in keys}), 1)
        self.assertIn(kid, [key["kid"] for key in keys])
        self.assertIn("ci-variables", self.w.must("honey", "list").out)
        self.wait_for(lambda: kid in self.w.get(
            f"{self.agent.url}/jwks.json")[2].decode())
        with open(path) as file:
            forged = self.forge(file.read(), kid)
        self.assertEqual(self.answer(forged)[:2], (401, "never_issued"))
        alarm = self.alarms()[0]
        self.assertEqual((alarm["kind"], alarm["severity"],
                          alarm["planted_at"]),
                         ("HONEY_KEY", "PAGE", "ci-variables"))
        shown = self.w.must("alarm", "show",
                            alarm["name"].split("/")[1]).out
        self.assertIn("ci-variables", shown)
        shutil.move(path, path + ".planted")
        plan = self.w.must("honey", "create", "--issuer", self.issuer,
                           "--place", "wiki", "--plan")
        self.assertNotIn("PRIVATE KEY", plan.out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
