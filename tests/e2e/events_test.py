"""Events out: webhooks and security events to receivers that fail and come back.
Events in: identity providers' SETs, good and forged."""
import base64
import http.client
import http.server
import json
import ssl
import sys
import tempfile
import threading
import time
import unittest

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from harness import Warderd, free_port, pip_install

CAEP = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"


class Receiver:
    """An HTTP server that remembers what came, and answers what it is told to:
    a status, or a function from a request to one."""

    def __init__(self, port=0, answer=200, documents=None):
        self.came, self.answer = [], answer
        self.documents = documents or {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = (dict(self.headers), body)
                status = (outer.answer(request) if callable(outer.answer)
                          else outer.answer)
                outer.came.append((status, *request))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                text = outer.documents.get(self.path)
                self.send_response(200 if text else 404)
                self.send_header("Content-Length", str(len(text or "")))
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def taken(self):
        return [json.loads(body) for status, _, body in self.came
                if status == 200]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def wait_for(what, seconds=20):
    deadline = time.time() + seconds
    while time.time() < deadline:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    return what()


class EventsOutTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd()
        self.start()
        self.w.set_up_shop()
        self.receiver = Receiver()

    def start(self, *settings):
        self.w.start(args=["serve", "--config", self.w.config,
                           "--set", "events.first_retry=100ms",
                           "--set", "events.longest_retry=400ms",
                           "--set", "events.refused_for=1s",
                           *settings])

    def tearDown(self):
        self.receiver.close()
        self.w.close()

    def subscribe(self, *args):
        return self.w.must("--json", "subscription", "create", "siem", "--url",
                           self.receiver.url + "/hook", *args).json()

    def status(self):
        return self.w.must("--json", "subscription", "list").lines()[0]

    def test_a_departure_is_told_signed_and_in_order(self):
        with tempfile.TemporaryDirectory() as directory:
            pip_install(self, directory, "standardwebhooks==1.0.1")
            sys.path.insert(0, directory)
            self.addCleanup(sys.path.remove, directory)
            from standardwebhooks import Webhook, WebhookVerificationError
            self.assertEqual(self.subscribe("--plan")["secret"], "")
            made = self.subscribe()
            old = self.w.keys("active")[0]["kid"]
            self.w.must("owner", "depart", "alice")
            wait_for(lambda: any(e["type"] == "owner.departed"
                                 for e in self.receiver.taken()))
            _, headers, body = self.receiver.came[0]
            told = Webhook(made["secret"]).verify(body, headers)
            self.assertIn(told["type"], ("key.revoked", "issuer.handed_over"))
            with self.assertRaises(WebhookVerificationError):
                Webhook(made["secret"]).verify(body + b" ", headers)
            events = self.receiver.taken()
            of_alice = [e for e in events
                        if e["data"]["ordering_key"] == "owners/alice"]
            self.assertEqual([e["type"] for e in of_alice],
                             ["key.revoked", "owner.departed"])
            self.assertTrue(of_alice[0]["data"]["resource"].endswith(old))
            sequences = [e["data"]["sequence"] for e in events]
            self.assertEqual(sequences, sorted(sequences))

            # The secret changes; for a while both sign.
            again = self.w.must("--json", "subscription", "rotate-secret",
                                "siem", "--overlap", "1h").json()
            self.w.must("key", "rotate", "--issuer", "shop", "--immediate")
            wait_for(lambda: len(self.receiver.came) > len(events))
            _, headers, body = self.receiver.came[-1]
            for secret in (made["secret"], again["secret"]):
                Webhook(secret).verify(body, headers)
            with open(self.w.data + "/warder.db", "rb") as store:
                self.assertNotIn(made["secret"][6:].encode(), store.read())

    def test_what_was_not_taken_is_told_again_and_nothing_is_lost(self):
        self.subscribe()
        self.receiver.answer = 500
        self.w.must("owner", "create", "carol")
        wait_for(lambda: len(self.receiver.came) >= 2)
        waiting = wait_for(lambda: self.w.must(
            "--json", "delivery", "list", "siem").lines())
        self.assertEqual(waiting[0]["ordering_key"], "owners/carol")
        self.assertIn("answered 500", waiting[0]["error"])
        # Gone altogether, and warderd is killed meanwhile.
        port = self.receiver.server.server_port
        self.receiver.close()
        self.w.must("owner", "create", "dora")
        self.w.stop(9)
        self.receiver = Receiver(port)
        self.start()
        told = wait_for(lambda: len(self.receiver.taken()) >= 2
                        and self.receiver.taken())
        # In order per owner; owners pass each other.
        self.assertEqual({e["data"]["resource"] for e in told},
                         {"owners/carol", "owners/dora"})
        wait_for(lambda: self.status().get("waiting_count", "0") == "0")
        self.assertEqual(self.status().get("behind_count", "0"), "0")

    def test_the_receiver_that_fails_one_owner_holds_up_no_other(self):
        self.subscribe("--action", "owner.*")
        broken = []

        def answer(request):
            about = json.loads(request[1])["data"]["ordering_key"]
            return 500 if about == "owners/carol" and not broken else 200
        self.receiver.answer = answer
        self.w.must("owner", "create", "carol")
        self.w.must("owner", "update", "carol", "--contact", "c@example.com")
        self.w.must("owner", "create", "dora")
        wait_for(self.receiver.taken)
        self.assertEqual([e["data"]["ordering_key"]
                          for e in self.receiver.taken()], ["owners/dora"])
        broken.append("mended")
        wait_for(lambda: len(self.receiver.taken()) == 3)
        self.assertEqual(
            [(e["data"]["ordering_key"], e["type"])
             for e in self.receiver.taken()[1:]],
            [("owners/carol", "owner.created"),
             ("owners/carol", "owner.updated")])

    def test_what_is_refused_for_good_is_a_dead_letter(self):
        self.subscribe()
        self.receiver.answer = 400
        self.w.must("owner", "create", "carol")
        dead = wait_for(lambda: self.w.must(
            "--json", "delivery", "list", "siem", "--dead-letters").lines())
        self.assertGreater(dead[0]["attempt_count"], 2)
        self.assertIn("answered 400", dead[0]["error"])
        self.assertEqual(self.status()["dead_letter_count"], "1")
        self.assertEqual(self.w.metrics()[
            'warder_deliveries{state="dead",subscription="siem"}'], 1)
        self.assertIn("delivery.dead_lettered", self.w.log_text())
        self.receiver.answer = 200
        self.w.must("owner", "create", "dora")  # is not held up by it
        wait_for(self.receiver.taken)
        self.assertEqual(self.w.warder("delivery", "retry", "siem", "1").code,
                         3)
        self.w.must("delivery", "retry", "siem", "--all")
        wait_for(lambda: len(self.receiver.taken()) == 2)
        self.assertEqual(self.receiver.taken()[1]["data"]["resource"],
                         "owners/carol")
        self.w.must("subscription", "delete", "siem")
        self.assertEqual(self.w.warder("delivery", "list", "siem").code, 3)

    def test_a_revoked_key_is_a_security_event(self):
        self.w.must("issuer", "create", "events", "--owner", "bob", "--deputy",
                    "alice", "--algorithm", "RS256")
        with open(self.w.dir + "/auth", "w") as out:
            out.write("Bearer of-the-receiver\n")
        made = self.subscribe("--sets", "--issuer", "events", "--audience",
                              "https://receiver.example",
                              "--authorization-file", self.w.dir + "/auth")
        self.assertEqual(made["secret"], "")
        self.receiver.answer = 202
        old = self.w.keys("active")[0]["kid"]
        self.w.must("owner", "depart", "alice")
        wait_for(lambda: self.receiver.came)
        [(_, headers, body)] = self.receiver.came
        self.assertEqual(headers["Content-Type"], "application/secevent+jwt")
        self.assertEqual(headers["Authorization"], "Bearer of-the-receiver")
        keys = jwt.PyJWKClient(self.w.jwks_url("events"))
        token = body.decode()
        claims = jwt.decode(token, keys.get_signing_key_from_jwt(token).key,
                            algorithms=["RS256"],
                            audience="https://receiver.example")
        self.assertEqual(jwt.get_unverified_header(token)["typ"],
                         "secevent+jwt")
        self.assertNotIn("exp", claims)
        self.assertNotIn("sub", claims)
        self.assertEqual(claims["sub_id"]["format"], "iss_sub")
        self.assertEqual(claims["sub_id"]["sub"], old)
        event = claims["events"][CAEP]
        self.assertEqual(event["change_type"], "revoke")
        self.assertEqual(event["owner"], "owners/alice")
        self.assertEqual(event["reason_admin"], {"en": "OWNER_DEPARTED"})

    def test_an_alarm_is_told_by_webhook_and_by_security_event(self):
        self.w.must("issuer", "create", "events", "--owner", "bob", "--deputy",
                    "alice", "--algorithm", "RS256")
        self.w.must("gateway", "create", "edge", "--kind", "libwarder",
                    "--reach", "stream", "--issuer", "shop")
        self.w.certify("gateway", "edge")
        decoy = self.w.must("--json", "honey", "create", "--issuer", "shop",
                            "--place", "wiki").json()
        sets = Receiver()
        self.addCleanup(sets.close)
        sets.answer = 202
        self.w.must("subscription", "create", "sets", "--url", sets.url,
                    "--sets", "--issuer", "events", "--audience", "r",
                    "--action", "alarm.raised", "--action", "alarm.paged")
        self.subscribe()
        now = int(time.time())
        kid = decoy["key"]["kid"]
        forged = jwt.encode({"iat": now, "exp": now + 300, "aud": "api"},
                            decoy["private_key"], algorithm="ES256",
                            headers={"kid": kid})
        # A gateway that holds it asks.
        self.assertEqual(self.w.warder(
            "token", "check", forged, "--issuer", "shop",
            who="gateway/edge").code, 7)
        wait_for(lambda: [t for t in self.receiver.taken()
                          if t["type"] == "alarm.raised"])
        [told] = [t for t in self.receiver.taken()
                  if t["type"] == "alarm.raised"]
        self.assertEqual(told["data"]["detail"]["kind"], "HONEY_KEY")
        self.assertIn("wiki", told["data"]["detail"]["summary"])
        wait_for(lambda: sets.came)
        token = sets.came[0][2].decode()
        keys = jwt.PyJWKClient(self.w.jwks_url("events"))
        claims = jwt.decode(token, keys.get_signing_key_from_jwt(token).key,
                            algorithms=["RS256"], audience="r")
        self.assertEqual(claims["sub_id"]["sub"], kid)
        event = claims["events"][RISC + "credential-compromise"]
        self.assertEqual((event["kind"], event["severity"]),
                         ("HONEY_KEY", "PAGE"))

    def test_bad_subscriptions_are_refused_by_name(self):
        for field, args in (
                ("url", ("a", "--url", "http://example.com/")),
                ("url", ("a", "--url", "https://u:p@example.com/")),
                ("url", ("a", "--url", "ftp://example.com/")),
                ("url", ("a", "--url", "https:///x")),
                ("subscription_id", ("A b", "--url", "https://x.example")),
                ("actions[0]", ("a", "--url", "https://x.example", "--action",
                                "Key Revoked"))):
            answer = self.w.warder("subscription", "create", *args)
            self.assertEqual(answer.code, 2, args)
            self.assertIn(field, answer.err)
        answer = self.w.warder("subscription", "create", "a", "--url",
                               "https://x.example", "--sets", "--issuer",
                               "shop", "--audience", "r")
        self.assertEqual(answer.code, 5)
        self.assertIn("RS256", answer.err)
        self.w.certify("auditor", "ann")
        self.assertEqual(self.w.warder("subscription", "create", "a", "--url",
                                       "https://x.example",
                                       who="auditor/ann").code, 4)
        self.w.must("subscription", "list", who="auditor/ann")


class EventsInTest(unittest.TestCase):
    ISSUER, AUDIENCE = "https://idp.example", "https://warder.example"

    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()
        self.key = rsa.generate_private_key(65537, 2048)
        self.idp = Receiver(documents={"/keys": self.key_set(k1=self.key)})
        self.w.must("transmitter", "create", "idp", "--issuer", self.ISSUER,
                    "--audience", self.AUDIENCE, "--jwks-url",
                    self.idp.url + "/keys")

    def tearDown(self):
        self.idp.close()
        self.w.close()

    @staticmethod
    def key_set(**keys):
        listed = []
        for kid, key in keys.items():
            jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(
                key.public_key()))
            jwk.pop("key_ops", None)
            listed.append(dict(jwk, kid=kid, use="sig"))  # without alg
        return json.dumps({"keys": listed})

    def set_for(self, event="account-disabled", subject=None, key=None,
                kid="k1", typ="secevent+jwt", algorithm="RS256", payload=None,
                **claims):
        body = {"iss": self.ISSUER, "aud": self.AUDIENCE,
                "iat": int(time.time()), "jti": base64.b64encode(
                    str(time.time()).encode()).decode(),
                "sub_id": subject or {"format": "opaque", "id": "alice"},
                "events": {RISC + event: payload or {}}}
        body.update(claims)
        body = {name: value for name, value in body.items()
                if value is not None}
        return jwt.encode(body, key or self.key, algorithm=algorithm,
                          headers={"kid": kid, "typ": typ})

    def push(self, token, feed="idp"):
        context = ssl.create_default_context(cafile=self.w.data + "/authority.pem")
        door = http.client.HTTPSConnection("127.0.0.1", self.w.hr, timeout=30,
                                           context=context)
        door.request("POST", f"/feeds/{feed}/events", token,
                     {"Content-Type": "application/secevent+jwt",
                      "Accept": "application/json"})
        answer = door.getresponse()
        text = answer.read()
        door.close()
        return answer.status, json.loads(text) if text else None

    def state(self, owner="alice"):
        return self.w.must("--json", "owner", "show", owner).json()["state"]

    def test_a_disabled_account_departs_its_owner(self):
        old = self.w.keys("active")[0]["kid"]
        since = int(time.time()) - 60
        token = self.set_for(payload={"event_timestamp": since,
                                      "reason": "hijacking"})
        self.assertEqual(self.push(token), (202, None))
        self.assertEqual(self.state(), "DEPARTED")
        self.assertNotIn(old, self.w.get(self.w.jwks_url())[2].decode())
        departure = self.w.must("--json", "owner", "departure",
                                "alice").json()
        self.assertEqual(departure["source"], "security-event")
        self.assertEqual(departure["reported_by"], "hr/transmitters/idp")
        self.assertEqual(
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since)),
            departure["instant"])
        count = len(self.w.must("--json", "audit", "list").lines())
        self.assertEqual(self.push(token), (202, None))  # once more
        self.assertEqual(
            len(self.w.must("--json", "audit", "list").lines()), count)

    def test_every_way_to_name_a_person_and_the_stranger_is_kept(self):
        self.w.must("owner", "create", "carol")
        self.w.must("owner", "create", "dora")
        for owner, token in (
                ("alice", self.set_for("account-purged", {
                    "format": "iss_sub", "iss": self.ISSUER, "sub": "alice"})),
                ("carol", self.set_for(sub_id=None, payload={"subject": {
                    "subject_type": "iss-sub", "iss": self.ISSUER,
                    "sub": "carol"}})),
                ("dora", self.set_for(subject={
                    "format": "complex", "user": {
                        "format": "aliases", "identifiers": []}}))):
            status, answer = self.push(token)
            if owner == "dora":  # aliases nest in nothing
                self.assertEqual((status, answer["err"]),
                                 (400, "invalid_request"))
                self.assertEqual(self.state(owner), "ACTIVE")
                continue
            self.assertEqual(status, 202, answer)
            self.assertEqual(self.state(owner), "DEPARTED")
        self.assertEqual(self.push(self.set_for(
            subject={"format": "opaque", "id": "eve"}))[0], 202)
        gone = self.w.warder("owner", "create", "eve")
        self.assertEqual(gone.code, 5)
        self.assertIn("has left", gone.err)
        # Events that end nobody's account are taken, and nothing follows.
        self.assertEqual(self.push(self.set_for(
            "sessions-revoked", {"format": "opaque", "id": "bob"}))[0], 202)
        self.assertEqual(self.state("bob"), "ACTIVE")

    def test_an_older_word_is_no_news(self):
        bob = {"format": "opaque", "id": "frank"}
        now = int(time.time())
        old = self.set_for(subject=bob, iat=now - 90)
        self.assertEqual(self.push(old)[0], 202)
        self.assertEqual(self.push(self.set_for(
            "account-enabled", bob, iat=now - 60))[0], 202)
        self.w.must("owner", "create", "frank")
        self.assertEqual(self.push(old)[0], 202)  # replayed
        self.assertEqual(self.state("frank"), "ACTIVE")
        self.assertEqual(self.push(self.set_for(subject=bob, iat=now - 30))[0],
                         202)
        self.assertEqual(self.state("frank"), "DEPARTED")

    def test_forged_and_foreign_tokens_change_nothing(self):
        stranger = rsa.generate_private_key(65537, 2048)
        good = self.set_for()
        head, body, signature = good.split(".")
        secret = "x" * 32
        for err, token in (
                ("authentication_failed", self.set_for(key=stranger)),
                ("invalid_key", self.set_for(key=stranger, kid="k2")),
                ("authentication_failed", jwt.encode(
                    jwt.decode(good, options={"verify_signature": False}),
                    secret, algorithm="HS256",
                    headers={"kid": "k1", "typ": "secevent+jwt"})),
                ("invalid_issuer", self.set_for(iss="https://evil.example")),
                ("invalid_audience", self.set_for(aud="https://other.example")),
                ("invalid_audience", self.set_for(aud=None)),
                ("invalid_request", self.set_for(typ="JWT")),
                ("invalid_request", self.set_for(
                    iat=int(time.time()) + 3600)),
                ("invalid_request", self.set_for(jti=None)),
                ("invalid_request", self.set_for(events={})),
                ("invalid_request", self.set_for(sub_id=None)),
                ("invalid_request", self.set_for(
                    subject={"format": "phone_number", "phone_number": "1"})),
                ("invalid_request", f"{head}.{body}"),
                ("authentication_failed", f"{head}.{body}.{signature[:-6]}AAAAAA"),
                ("invalid_request", ""),
                ("invalid_request", "{" * 5000)):
            status, answer = self.push(token)
            self.assertEqual((status, answer["err"]), (400, err), answer)
            self.assertTrue(answer["description"])
        # Within the minute its key set is not fetched again; it may be good.
        status, answer = self.push(self.set_for(key=stranger, kid="k3"))
        self.assertEqual(status, 503)
        self.assertIn("send it again", answer["error_description"])
        self.assertEqual(self.push(good, feed="nobody")[0], 404)
        self.assertEqual(self.state(), "ACTIVE")
        self.w.must("transmitter", "delete", "idp")
        self.assertEqual(self.push(good)[0], 404)
        self.assertEqual(self.state(), "ACTIVE")

    def test_a_new_key_of_the_transmitter_is_fetched(self):
        new = rsa.generate_private_key(65537, 2048)
        self.idp.documents["/keys"] = self.key_set(k2=new)
        status, answer = self.push(self.set_for(key=new, kid="k2"))
        self.assertEqual(status, 202, answer)
        self.assertEqual(self.state(), "DEPARTED")
        # The old key was dropped with it.
        self.assertEqual(self.push(self.set_for(
            subject={"format": "opaque", "id": "bob"}))[0], 503)
        self.assertEqual(self.state("bob"), "ACTIVE")

    def test_a_transmitter_without_keys_is_not_believed(self):
        for code, field, args in (
                (6, "answered 404", ("--jwks-url", self.idp.url + "/none")),
                (2, "jwks_url", ("--jwks-url", "http://idp.example/keys")),
                (6, "127.0.0.1", ("--jwks-url",
                                  f"http://127.0.0.1:{free_port()}/keys"))):
            answer = self.w.warder(
                "transmitter", "create", "other", "--issuer", "i",
                "--audience", "a", *args)
            self.assertEqual(answer.code, code, answer.err)
            self.assertIn(field, answer.err)


if __name__ == "__main__":
    unittest.main()
