"""Departures as people see them: planned, scheduled, called off, late; and who
had to do with which key."""
import base64
import datetime
import json
import os
import subprocess
import time
import unittest

import jwt
from cryptography import x509

from harness import Warderd
from scim_test import Scim

A_TOKEN = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEiLCJ0eXAiOiJKV1QifQ.e30.AA"


def jwt_by_pyjwt(token, authority):
    """A second opinion on the signature."""
    with open(authority, "rb") as pem:
        key = x509.load_pem_x509_certificate(pem.read()).public_key()
    return jwt.decode(token, key, algorithms=["ES256"])


def at(hours):
    when = datetime.datetime.now(datetime.timezone.utc)
    when += datetime.timedelta(hours=hours)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class DepartureTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()

    def tearDown(self):
        self.w.close()

    def test_the_plan_counts_tokens_and_names_the_successor(self):
        for _ in range(3):
            self.w.sign()
        plan = self.w.must("--json", "owner", "depart", "alice",
                           "--plan").json()
        [key] = plan["issuers"][0]["keys"]
        self.assertEqual(key["live_tokens"], "3")
        self.assertFalse(key["more_live_tokens"])
        done = self.w.must("--json", "owner", "depart", "alice").json()
        [ended] = done["issuers"][0]["keys"]
        self.assertEqual(ended["successor"], key["successor"])
        self.assertEqual(ended["fate"], key["fate"])
        self.assertEqual(self.w.keys("active")[0]["name"], key["successor"])

    def test_what_differs_from_the_plan_that_was_seen_is_told(self):
        plan = self.w.dir + "/plan.json"
        with open(plan, "w") as out:
            out.write(self.w.must("--json", "owner", "depart", "alice",
                                  "--plan").out)
        self.w.must("key", "rotate", "--issuer", "shop", "--immediate")
        done = self.w.must("owner", "depart", "alice", "--expect", plan).out
        self.assertIn("not as planned", done)
        self.assertIn("other keys sign", done)
        answer = self.w.warder("owner", "depart", "bob", "--expect",
                               self.w.config)
        self.assertEqual(answer.code, 2)
        self.assertIn("--expect", answer.err)

    def test_tokens_of_an_earlier_process_are_not_denied(self):
        self.w.sign()
        self.w.stop()
        self.w.start()
        [key] = self.w.must("--json", "owner", "depart", "alice",
                            "--plan").json()["issuers"][0]["keys"]
        self.assertTrue(key["more_live_tokens"])
        self.assertIn("at least 0", self.w.must("owner", "depart", "alice",
                                                "--plan").out)

    def test_a_last_day_ends_where_the_person_lives(self):
        done = self.w.must("--json", "owner", "depart", "alice", "--last-day",
                           "2031-03-29", "--zone", "Asia/Seoul").json()
        self.assertEqual(done["instant"], "2031-03-29T15:00:00Z")
        self.assertEqual(done["time_zone"], "Asia/Seoul")
        shown = self.w.must("owner", "departure", "alice").out
        self.assertIn("the end of the day in Asia/Seoul", shown)
        for day, zone in (("2031-02-30", "Asia/Seoul"),
                          ("2031-03-29", "Mars/Olympus"),
                          ("2031-03-29", "../../etc/passwd")):
            answer = self.w.warder("owner", "depart", "alice", "--last-day",
                                   day, "--zone", zone)
            self.assertEqual(answer.code, 2, answer.out)
            self.assertIn("INVALID_FIELD", answer.err)

    def test_the_successor_is_announced_and_the_departure_called_off(self):
        self.w.must("owner", "depart", "alice", "--at", at(2))
        [pending] = self.w.keys("pending")
        self.assertEqual(pending["owner"], "owners/bob")
        self.assertIn(pending["kid"],
                      self.w.get(self.w.jwks_url())[2].decode())
        risky = self.w.must("--json", "issuer", "list", "--at-risk").lines()
        self.assertEqual(risky[0]["risks"], ["OWNER_LEAVES", "ONE_DEPUTY"])
        self.w.must("owner", "stay", "alice")
        self.assertEqual(self.w.keys("pending")[0]["owner"], "owners/alice")
        self.assertEqual(
            self.w.warder("owner", "departure", "alice").code, 3)

    def test_who_is_no_owner_and_had_a_key_in_hand_departs_too(self):
        [key] = self.w.keys("active")
        self.w.must("exposure", "add", "--person", "mallory", "--issuer",
                    "shop", "--key", key["kid"], "--from",
                    "2026-01-01T00:00:00Z", "--note", "on a laptop")
        self.w.certify("security", "sam")
        scim = Scim(self.w)
        for name in ("mallory", "sam"):
            user = scim.create(name)
            self.assertEqual(scim.patch(user, {
                "op": "replace", "path": "active", "value": False})[0], 200)
        self.assertNotIn(key["kid"],
                         self.w.get(self.w.jwks_url())[2].decode())
        self.assertEqual(self.w.warder("owner", "list",
                                       who="security/sam").code, 4)
        self.w.must("owner", "certificate", "mallory")
        # He had left before anybody knew of the key.
        self.assertEqual(scim.call("POST", "/Users", {
            "userName": "trudy", "active": False})[0], 201)
        [key] = self.w.keys("active")
        self.w.must("exposure", "add", "--person", "trudy", "--issuer",
                    "shop", "--key", key["kid"], "--from",
                    "2026-01-01T00:00:00Z")
        self.assertNotIn(key["kid"],
                         self.w.get(self.w.jwks_url())[2].decode())
        # By hand, and as a plan.
        [key] = self.w.keys("active")
        self.w.must("exposure", "add", "--person", "oscar", "--issuer",
                    "shop", "--key", key["kid"], "--from",
                    "2026-01-01T00:00:00Z")
        plan = self.w.must("--json", "owner", "depart", "oscar",
                           "--plan").json()
        self.assertEqual(plan["issuers"][0]["keys"][0]["fate"], "REVOKE")
        self.w.must("owner", "depart", "oscar")
        self.assertNotIn(key["kid"],
                         self.w.get(self.w.jwks_url())[2].decode())
        self.assertEqual(self.w.warder("owner", "depart", "nobody").code, 3)

    def test_who_is_confirmed_by_nobody_is_suspended(self):
        [old] = self.w.keys("active")
        for _ in ("warned", "suspended"):
            self.w.stop()
            time.sleep(1.2)
            self.w.start(args=["serve", "--config", self.w.config,
                               "--set", "hr.attestation.lease=1s",
                               "--set", "hr.attestation.grace=1s"])
            time.sleep(0.3)  # the first round of the loop
        self.assertNotIn(old["kid"], self.w.get(self.w.jwks_url())[2].decode())
        shown = self.w.must("owner", "list", "--overdue").out
        self.assertIn("alice", shown)
        self.assertEqual(
            self.w.must("--json", "key", "show", "--issuer", "shop",
                        old["kid"]).json()["state"], "KEY_STATE_SUSPENDED")
        kept = self.w.must("--json", "owner", "confirm", "alice").json()
        self.assertIsNone(kept.get("suspend_time"))
        self.assertEqual(self.w.must("--json", "owner", "suspend", "--plan",
                                     "alice").json()["state"], "ACTIVE")
        self.assertNotIn("suspend_time", self.w.must(
            "--json", "owner", "show", "alice").out)
        self.assertEqual(self.w.warder("owner", "confirm").code, 2)

    def test_late_news_lists_what_was_done_since(self):
        self.w.certify("security", "alice")
        self.w.must("key", "rotate", "--issuer", "shop",
                    who="security/alice")
        done = self.w.must("--json", "owner", "depart", "alice", "--at",
                           at(-1)).json()
        self.assertTrue(done["done"])
        self.assertIn("key.published",
                      [act["action"] for act in done["late_acts"]])

    def test_a_policy_may_let_tokens_live(self):
        self.w.must("issuer", "update", "shop", "--owned-key-departure",
                    "rotate")
        done = self.w.must("--json", "owner", "depart", "alice").json()
        self.assertEqual(done["issuers"][0]["keys"][0]["fate"], "ROTATE")
        self.assertEqual(len(self.w.keys("retiring")), 1)

    def test_a_key_on_a_laptop_dies_with_its_holder(self):
        kid = self.w.keys("active")[0]["kid"]
        self.w.must("owner", "create", "mallory")
        self.w.must("exposure", "add", "--person", "mallory", "--key", kid,
                    "--issuer", "shop", "--from", at(-5), "--until", at(-4),
                    "--note", "on a laptop")
        # One KID in 64 begins as a flag does.
        self.assertEqual(self.w.warder(
            "exposure", "add", "--person", "mallory", "--key", "-" + "A" * 42,
            "--issuer", "shop", "--from", at(-5)).code, 3)
        table = self.w.must("key", "exposure", kid, "--issuer", "shop").out
        for word in ("mallory", "HELD", "alice", "OWNED", "on a laptop",
                     "COULD_READ"):  # admin, who made the data directory
            self.assertIn(word, table)
        graph = self.w.must("owner", "exposure", "mallory", "--format",
                            "dot").out
        self.assertIn('"mallory" -> "issuers/shop/keys/' + kid, graph)
        if os.path.exists("/usr/bin/dot"):
            drawn = subprocess.run(["dot", "-Tsvg"], input=graph, text=True,
                                   capture_output=True)
            self.assertEqual(drawn.returncode, 0, drawn.stderr)
        as_json = json.loads(self.w.must("--json", "owner", "exposure",
                                         "mallory").out)
        self.assertEqual(as_json["exposures"][0]["kind"], "HELD")
        self.w.must("owner", "depart", "mallory")
        self.assertNotIn(kid, self.w.get(self.w.jwks_url())[2].decode())

    def test_the_leaver_certificate_is_made_verified_tampered_and_refused(self):
        self.w.sign()
        early = self.w.warder("owner", "certificate", "alice")
        self.assertEqual(early.code, 5)
        self.w.must("owner", "depart", "alice")
        text = self.w.must("owner", "certificate", "alice").out
        self.assertIn("answered for it", text)
        self.assertIn("revoked at", text)
        files = {}
        for kind in ("json", "html"):
            files[kind] = os.path.join(self.w.dir, "alice." + kind)
            self.w.must("owner", "certificate", "alice", "--format", kind,
                        "--out", files[kind])
        with open(files["json"]) as file:
            made = json.load(file)
        claims = made["claims"]
        self.assertEqual(claims["sub"], "owners/alice")
        [key] = claims["keys"]
        self.assertEqual((key["done"], key["state"]), ("revoked", "REVOKED"))
        self.assertEqual(key["successor"], self.w.keys("active")[0]["name"])
        self.assertIn("owner.departed",
                      [e["action"] for e in claims["audit"]["events"]])
        # Offline: nobody runs, and the profile is not needed.
        self.w.stop()
        authority = os.path.join(self.w.data, "authority.pem")
        env = {"WARDER_PROFILE": "/nowhere"}
        bare = os.path.join(self.w.dir, "alice.jws")
        with open(bare, "w") as out:
            out.write(made["jws"])
        for path in (*files.values(), bare):
            done = self.w.must("--json", "certificate", "verify", path,
                               "--authority", authority, env=env).json()
            self.assertTrue(done["verified"])
            # The page was made after it: by its clock another second may be.
            if path == files["html"]:
                self.assertGreaterEqual(done["claims"]["iat"], claims["iat"])
                done["claims"]["iat"] = claims["iat"]
            self.assertEqual(done["claims"], claims)
        self.assertEqual(jwt_by_pyjwt(made["jws"], authority)["sub"],
                         "owners/alice")
        with open(files["html"]) as file:
            page = file.read()
        self.assertNotIn("<script", page)
        self.assertNotIn("http-equiv", page)
        head, payload, signature = made["jws"].split(".")
        other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(
            payload + "==").replace(b"alice", b"clara")).rstrip(b"=").decode()
        tampered = {
            "page": page.replace("answered for it", "never saw it"),
            "claims": json.dumps({"jws": made["jws"],
                                  "claims": {**claims, "keys": []}}),
            "payload": f"{head}.{other}.{signature}",
            "token": A_TOKEN,
            "empty": "", "junk": "{}"}
        for name, text in tampered.items():
            path = os.path.join(self.w.dir, "tampered")
            with open(path, "w") as out:
                out.write(text)
            refused = self.w.warder("certificate", "verify", path,
                                    "--authority", authority, env=env)
            self.assertEqual(refused.code, 7, name)
            self.assertIn("refused", refused.err)
        # Of another CA.
        stranger = Warderd()
        try:
            refused = self.w.warder(
                "certificate", "verify", bare, "--authority",
                os.path.join(stranger.data, "authority.pem"))
            self.assertEqual(refused.code, 7)
        finally:
            stranger.close()

    def test_the_certificate_rests_on_what_came_later_too(self):
        def told():
            path = os.path.join(self.w.dir, "alice.json")
            self.w.must("owner", "certificate", "alice", "--format", "json",
                        "--out", path)
            with open(path) as file:
                claims = json.load(file)["claims"]
            return ({key["key"]: key for key in claims["keys"]},
                    [event["action"] for event in claims["audit"]["events"]])

        self.w.must("key", "rotate", "--issuer", "shop")  # one is PENDING now
        active, pending = self.w.keys("active")[0], self.w.keys("pending")[0]
        self.w.must("owner", "depart", "alice")
        keys, events = told()
        self.assertTrue(keys[active["name"]]["signed_from"])
        self.assertIsNone(keys[pending["name"]]["signed_from"])
        self.assertEqual(events.count("owner.departed"), 1)
        heir = self.w.keys("active")[0]
        self.w.must("exposure", "add", "--person", "alice", "--issuer", "shop",
                    "--key", heir["kid"], "--from", "2026-01-01T00:00:00Z")
        keys, later = told()
        self.assertEqual(keys[heir["name"]]["done"], "revoked")
        self.assertGreater(later.count("key.revoked"),
                           events.count("key.revoked"))

    def test_a_team_is_the_deputy_of_last_resort(self):
        self.w.must("owner", "create", "carol")
        self.w.must("owner", "create", "identity", "--team", "--member", "bob",
                    "--member", "carol")
        self.w.must("issuer", "update", "shop", "--deputy", "identity")
        self.w.must("owner", "depart", "bob")
        self.w.must("owner", "depart", "alice")
        self.assertEqual(self.w.keys("active")[0]["owner"], "owners/carol")


if __name__ == "__main__":
    unittest.main()
