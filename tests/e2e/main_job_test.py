"""The main job on the real programs, judged by PyJWT and openssl."""
import base64
import json
import os
import subprocess
import unittest

import jwt
from cryptography.hazmat.primitives import serialization
from jwt import PyJWKClient
from jwt.algorithms import RSAAlgorithm

from harness import Warderd

ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"]


def pyjwt_accepts(w, token, issuer="shop"):
    """Verifies as a service would: fetch the set, find the kid, decode."""
    try:
        key = PyJWKClient(w.jwks_url(issuer)).get_signing_key_from_jwt(token)
        jwt.decode(token, key.key, algorithms=ALGORITHMS, audience="api",
                   issuer=f"http://127.0.0.1:{w.public}/issuers/{issuer}")
        return True
    except (jwt.PyJWTError, jwt.exceptions.PyJWKClientError):
        return False


def openssl_accepts(w, token):
    """Verifies an RS256 token with the openssl command: any key of the set."""
    head, body, signature = token.split(".")
    pem, sig = os.path.join(w.dir, "pub.pem"), os.path.join(w.dir, "sig")
    with open(sig, "wb") as out:
        out.write(base64.urlsafe_b64decode(signature + "=="))
    accepted = False
    for key in json.loads(w.get(w.jwks_url("rsa"))[2])["keys"]:
        with open(pem, "wb") as out:
            out.write(RSAAlgorithm.from_jwk(json.dumps(key)).public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo))
        accepted |= subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", pem, "-signature", sig],
            input=f"{head}.{body}".encode(), capture_output=True
        ).returncode == 0
    return accepted


class MainJobTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()

    def tearDown(self):
        self.w.close()

    def test_a_leavers_key_is_refused_and_its_successor_accepted(self):
        token = self.w.sign()
        self.assertTrue(pyjwt_accepts(self.w, token))
        done = self.w.must("--json", "owner", "depart", "alice").json()
        self.assertTrue(done["done"])
        self.assertFalse(pyjwt_accepts(self.w, token))
        self.assertTrue(pyjwt_accepts(self.w, self.w.sign()))

    def test_a_plan_for_a_day_says_that_day_and_changes_nothing(self):
        before = self.w.get(self.w.jwks_url())[2]
        day = "2031-05-06T07:08:09.5Z"
        plan = self.w.must("--json", "owner", "depart", "alice", "--at", day,
                           "--plan").json()
        self.assertEqual(plan["instant"], "2031-05-06T07:08:09.500Z")
        self.assertFalse(plan.get("done", False))
        [issuer] = plan["issuers"]
        self.assertEqual(issuer["owner"], "owners/bob")
        self.assertEqual(issuer["keys"][0]["fate"], "REVOKE")
        self.assertEqual(self.w.get(self.w.jwks_url())[2], before)
        self.assertNotIn("depart_time", self.w.must(
            "--json", "owner", "show", "alice").json())

    def test_a_failure_under_json_is_json(self):
        for command, code, reason in (
                (["owner", "show", "nobody"], 3, "NOT_FOUND"),
                (["owner", "nonsense"], 2, "")):
            answer = self.w.warder("--json", *command)
            self.assertEqual((answer.code, answer.out), (code, ""))
            error = json.loads(answer.err)["error"]
            self.assertEqual(error["reason"], reason)
            self.assertTrue(error["message"])

    def test_every_algorithm_verifies_elsewhere(self):
        for i, name in enumerate(ALGORITHMS):
            self.w.must("issuer", "create", f"i{i}", "--owner", "alice",
                        "--deputy", "bob", "--algorithm", name, "--grant",
                        "signer=checkout audience=api")
            token = self.w.sign(issuer=f"i{i}")
            self.assertEqual(jwt.get_unverified_header(token)["alg"], name)
            self.assertTrue(pyjwt_accepts(self.w, token, f"i{i}"), name)

    def test_openssl_agrees(self):
        self.w.must("issuer", "create", "rsa", "--owner", "alice", "--deputy",
                    "bob", "--algorithm", "RS256", "--grant",
                    "signer=checkout audience=api")
        token = self.w.sign(issuer="rsa")
        self.assertTrue(openssl_accepts(self.w, token))
        self.w.must("owner", "depart", "alice")
        self.assertFalse(openssl_accepts(self.w, token))
        self.assertTrue(openssl_accepts(self.w, self.w.sign(issuer="rsa")))

    def test_suspend_resume_takes_two_people(self):
        kid = self.w.keys("active")[0]["kid"]
        token = self.w.sign()
        self.w.must("key", "suspend", kid, "--issuer", "shop")
        self.assertFalse(pyjwt_accepts(self.w, token))
        alone = self.w.warder("key", "resume", kid, "--issuer", "shop")
        self.assertEqual(alone.code, 4)
        self.assertIn("TWO_PEOPLE_REQUIRED", alone.err)
        self.w.certify("security", "second")
        self.w.must("key", "resume", kid, "--issuer", "shop",
                    who="security/second")
        self.assertTrue(pyjwt_accepts(self.w, token))

    def test_what_was_done_holds_after_a_restart(self):
        kid = self.w.keys("active")[0]["kid"]
        name = f"issuers/shop/keys/{kid}"
        first = self.w.must("--json", "key", "revoke", name, "--reason",
                            "compromised").json()
        self.assertEqual(self.w.stop(), 0)
        self.w.start()
        again = self.w.must("--json", "key", "revoke", name, "--reason",
                            "superseded").json()
        self.assertEqual(first, again)
        self.assertNotIn(kid, self.w.get(self.w.jwks_url())[2].decode())
        self.assertTrue(pyjwt_accepts(self.w, self.w.sign()))

    def test_rotation_on_demand(self):
        staged = self.w.must("--json", "key", "rotate", "--issuer",
                             "shop").json()
        self.assertEqual(staged["state"], "KEY_STATE_PENDING")
        self.assertEqual(len(json.loads(self.w.get(self.w.jwks_url())[2])
                             ["keys"]), 2)
        old = self.w.sign()
        self.w.must("key", "rotate", "--issuer", "shop", "--immediate")
        self.assertTrue(pyjwt_accepts(self.w, old))  # lives out its time
        new = self.w.sign()
        self.assertEqual(jwt.get_unverified_header(new)["kid"], staged["kid"])
        self.assertTrue(pyjwt_accepts(self.w, new))

    def test_plan_changes_nothing_and_says_so(self):
        before = self.w.must("--json", "audit", "list").out
        for command in (["owner", "depart", "alice"],
                        ["key", "rotate", "--issuer", "shop"],
                        ["owner", "create", "zoe"],
                        ["key", "revoke", self.w.keys()[0]["name"],
                         "--reason", "compromised"],
                        ["issuer", "update", "shop", "--cache-max-age", "30s"],
                        ["cert", "issue", "--role", "hr", "--name", "h",
                         "--out", self.w.dir]):
            answer = self.w.must(*command, "--plan")
            self.assertIn("nothing was changed", answer.out, command)
        self.assertEqual(self.w.must("--json", "audit", "list").out, before)

    def test_tables_json_and_completions(self):
        table = self.w.must("issuer", "list").out
        self.assertIn("ISSUER", table)
        self.assertNotIn("\033", table)
        self.assertEqual(self.w.must("--json", "issuer", "list").lines()[0]
                         ["name"], "issuers/shop")
        for shell in ("bash", "zsh", "fish"):
            script = self.w.must("completion", shell).out
            self.assertIn("issuer", script)
            if shell == "bash":
                checked = subprocess.run(
                    ["bash", "-c", script + """
COMP_WORDS=(warder key re) COMP_CWORD=2; _warder; echo "${COMPREPLY[@]}" """],
                    capture_output=True, text=True)
                self.assertEqual(checked.stdout.strip(), "revoke resume register renew",
                                 checked.stderr)

    def test_the_audit_chain_shows_a_changed_row(self):
        self.w.must("audit", "verify")
        self.w.stop()
        import sqlite3
        db = sqlite3.connect(os.path.join(self.w.data, "warder.db"))
        db.execute("DROP TRIGGER events_do_not_change")
        db.execute("UPDATE events SET actor = 'security/nobody' "
                   "WHERE sequence = 3")
        db.commit()
        db.close()
        self.w.start()
        answer = self.w.warder("audit", "verify")
        self.assertEqual(answer.code, 7)
        self.assertIn("audit event 3", answer.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
