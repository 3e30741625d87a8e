#!/usr/bin/env python3
"""The tour that tools/quickstart gives: a leaver's key is refused by verifiers
that are not ours, and its successor accepted; and a thief with a copy of a key is
heard at his first token."""
import argparse
import base64
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import jwt
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import ECAlgorithm

AUDIENCE = "https://api.example"


def main():
    args = parse_args()
    tour = Tour(args)
    try:
        tour.start()
        result = tour.give()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        print(f"\nThe tour stopped: {error}\nThe service's log is "
              f"{tour.log_path}", file=sys.stderr)
        tour.stop()
        return 1
    good = (result["token_accepted"] and result["token_refused"]
            and result["successor_accepted"] and result["forgery_alarmed"]
            and result["forgery_refused"] and result["honest_token_accepted"])
    if args.tour:
        tour.stop()
    else:
        tour.show_next_steps()
    if args.json:
        print(json.dumps(result))
    return 0 if good else 1


def parse_args():
    parser = argparse.ArgumentParser()
    for name in ("--warderd", "--warder", "--agent", "--directory"):
        parser.add_argument(name, required=True)
    parser.add_argument("--tour", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def free_port(wanted):
    """The usual port where it is free, another where it is not."""
    for port in (wanted, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                continue
    raise OSError("no port is free")


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def der_of(raw):
    """R || S of JOSE as the DER that openssl reads."""
    numbers = b""
    for half in (raw[:32], raw[32:]):
        number = half.lstrip(b"\0") or b"\0"
        if number[0] & 0x80:
            number = b"\0" + number
        numbers += bytes([2, len(number)]) + number
    return bytes([0x30, len(numbers)]) + numbers


class Tour:
    def __init__(self, args):
        self.args = args
        self.out = sys.stderr if args.json else sys.stdout
        self.dir = args.directory
        self.pid_path = os.path.join(self.dir, "warderd.pid")
        self.log_path = os.path.join(self.dir, "warderd.log")
        self.data = os.path.join(self.dir, "data")
        self.began = time.monotonic()
        self.process = self.agent = None

    def say(self, text):
        ms = (time.monotonic() - self.began) * 1000
        print(f"{ms:8.0f} ms  {text}", file=self.out, flush=True)

    def start(self):
        self.stop_former()
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.grpc, self.public, self.hr, self.ops = (
            free_port(p) for p in (7443, 7480, 7481, 7482))
        config = os.path.join(self.dir, "warderd.yaml")
        with open(config, "w") as out:
            out.write(f"""data_directory: {self.data}
grpc:
  address: 127.0.0.1:{self.grpc}
public:
  address: 127.0.0.1:{self.public}
  base_url: http://127.0.0.1:{self.public}
hr:
  address: 127.0.0.1:{self.hr}
  base_url: https://127.0.0.1:{self.hr}
ops:
  address: 127.0.0.1:{self.ops}
""")
        self.began = time.monotonic()
        made = subprocess.run([self.args.warderd, "init", "--config", config,
                               "--json"], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        self.profile = json.loads(made.stdout)["profile"]
        self.say("warderd init: key-encryption key, private CA, first client")
        log = open(self.log_path, "w")
        self.process = subprocess.Popen(
            [self.args.warderd, "serve", "--config", config], stdout=log,
            stderr=log, start_new_session=True)
        log.close()
        with open(self.pid_path, "w") as out:
            out.write(str(self.process.pid))
        for _ in range(500):
            assert self.process.poll() is None, open(self.log_path).read()
            try:
                self.fetch(f"http://127.0.0.1:{self.ops}/readyz")
                break
            except OSError:
                time.sleep(0.01)
        self.say(f"warderd serve: gRPC on {self.grpc}, key sets on "
                 f"{self.public}, HR on {self.hr}, health on {self.ops}")

    def stop_former(self):
        try:
            with open(self.pid_path) as file:
                os.kill(int(file.read()), signal.SIGTERM)
            time.sleep(0.5)
        except (OSError, ValueError):
            pass

    def stop(self):
        if self.agent and self.agent.poll() is None:
            self.agent.terminate()
            self.agent.wait(15)
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(15)
        if os.path.exists(self.pid_path):
            os.remove(self.pid_path)

    def warder(self, *args, profile=None):
        done = subprocess.run(
            [self.args.warder, "--profile", profile or self.profile, "--json",
             *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr.strip()
        return json.loads(done.stdout)

    def fetch(self, url):
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read()

    def scim(self, method, path, body):
        """What HR's identity provider sends."""
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.hr}/scim/v2{path}", method=method,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.hr_token}",
                     "Content-Type": "application/scim+json"})
        authority = os.path.join(self.data, "authority.pem")
        with urllib.request.urlopen(
                request, timeout=5,
                context=ssl.create_default_context(cafile=authority)) as answer:
            return json.load(answer)

    def jwks_url(self):
        return (f"http://127.0.0.1:{self.public}/issuers/shop/.well-known/"
                "jwks.json")

    def key_set(self):
        return json.loads(self.fetch(self.jwks_url()))["keys"]

    def sign(self):
        return self.warder("token", "sign", "--issuer", "shop", "--audience",
                           AUDIENCE, "--subject", "user-1",
                           profile=self.signer)["token"]

    # Two verifiers that are not ours. Each fetches the key set anew.

    def pyjwt_accepts(self, token):
        """As a service would: PyJWT fetches the set, finds the key, decodes."""
        try:
            client = jwt.PyJWKClient(self.jwks_url())
            jwt.decode(token, client.get_signing_key_from_jwt(token).key,
                       algorithms=["ES256"], audience=AUDIENCE,
                       issuer=f"http://127.0.0.1:{self.public}/issuers/shop")
            return True
        except jwt.PyJWTError:
            return False

    def openssl_accepts(self, token):
        """Tries every key of the fresh set; one that fits is enough."""
        head, body, signature = token.split(".")
        pem = os.path.join(self.dir, "key.pem")
        sig = os.path.join(self.dir, "sig.der")
        with open(sig, "wb") as out:
            out.write(der_of(decode(signature)))
        accepted = False
        for key in self.key_set():
            with open(pem, "wb") as out:
                out.write(ECAlgorithm.from_jwk(json.dumps(key)).public_bytes(
                    serialization.Encoding.PEM,
                    serialization.PublicFormat.SubjectPublicKeyInfo))
            accepted |= subprocess.run(
                ["openssl", "dgst", "-sha256", "-verify", pem, "-signature",
                 sig], input=f"{head}.{body}".encode(), capture_output=True
            ).returncode == 0
        return accepted

    def judge(self, name, token):
        verdicts = {"PyJWT": self.pyjwt_accepts(token),
                    "openssl": self.openssl_accepts(token)}
        self.say(f"{name}: " + ", ".join(
            f"{who} {'accepts' if yes else 'refuses'}"
            for who, yes in verdicts.items()))
        return verdicts

    def give(self):
        self.warder("owner", "create", "alice", "--display-name", "Alice")
        self.warder("owner", "create", "bob", "--display-name", "Bob")
        self.say("two owners: alice, and bob who will take over")
        self.warder("issuer", "create", "shop", "--owner", "alice", "--deputy",
                    "bob", "--grant",
                    f"signer=checkout audience={AUDIENCE} lifetime=15m")
        self.signer = self.warder("cert", "issue", "--role", "signer",
                                  "--name", "checkout", "--out",
                                  self.dir)["profile"]
        self.say("issuer shop of alice; its first key signs at once")
        self.hr_token = self.warder("hr-token", "create", "--feed",
                                    "hr")["secret"]
        user = self.scim("POST", "/Users", {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "alice@example.com", "externalId": "alice",
            "active": True})
        self.say("HR's identity provider knows alice: SCIM POST /Users")
        token = self.sign()
        old = jwt.get_unverified_header(token)["kid"]
        self.say(f"SignJwt: a token of key {old}")
        before = self.judge("that token", token)

        gone = threading.Event()
        unpublished = []
        started = time.monotonic()

        def watch():
            while not gone.is_set():
                if all(k["kid"] != old for k in self.key_set()):
                    unpublished.append(time.monotonic() - started)
                    return
        watcher = threading.Thread(target=watch)
        watcher.start()
        self.scim("PATCH", f"/Users/{user['id']}", {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "value": {"active": False}}]})
        watcher.join(5)
        gone.set()
        watcher.join()
        assert unpublished, "the key set still lists the leaver's key"
        ms = round(unpublished[0] * 1000, 1)
        self.say(f"HR's PATCH says alice has left: her key is out of the key "
                 f"set {ms} ms after it was sent")
        departure = self.warder("owner", "departure", "alice")

        after = self.judge("the same token", token)
        successor = self.sign()
        kid = jwt.get_unverified_header(successor)["kid"]
        self.say(f"SignJwt again, owned by bob: a token of key {kid}")
        fresh = self.judge("the new token", successor)
        theft = self.show_theft()
        chain = self.warder("audit", "verify")
        self.say(f"the audit chain holds: {chain['events']} events")
        revoked = [k["key"].rsplit("/", 1)[1]
                   for i in departure["issuers"] for k in i["keys"]
                   if k["fate"] == "REVOKE"]
        return {"token_accepted": all(before.values()),
                "token_refused": not any(after.values()),
                "successor_accepted": all(fresh.values()),
                "revoked_kids": revoked,
                "successor_kid": kid,
                "departure_to_unpublished_ms": ms,
                **theft,
                "verifiers": sorted(before),
                "audit_events": chain["events"],
                "total_ms": round((time.monotonic() - self.began) * 1000)}

    # The second act: somebody has a copy of a key that a service keeps itself.

    def start_agent(self):
        self.warder("gateway", "create", "edge", "--kind",
                    "nginx-auth-request", "--reach", "stream", "--issuer",
                    "parcels")
        made = self.warder("cert", "issue", "--role", "gateway", "--name",
                           "edge", "--out", self.dir)
        port = free_port(7490)
        config = os.path.join(self.dir, "agent.yaml")
        with open(config, "w") as out:
            out.write(f"""server:
  address: 127.0.0.1:{self.grpc}
  certificate: {made['certificate']}
  private_key: {made['private_key']}
  authority: {made['authority']}
verify:
  audiences: [{AUDIENCE}]
instance: tour
http_address: 127.0.0.1:{port}
""")
        log = open(os.path.join(self.dir, "agent.log"), "w")
        self.agent = subprocess.Popen(
            [self.args.agent, "--config", config], stdout=log, stderr=log)
        log.close()
        self.edge = f"http://127.0.0.1:{port}"

    def edge_accepts(self, token):
        request = urllib.request.Request(
            self.edge + "/auth", headers={"Authorization": "Bearer " + token})
        try:
            with urllib.request.urlopen(request, timeout=5):
                return True
        except urllib.error.HTTPError:
            return False

    def wait_until(self, what, why, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                found = what()
                if found:
                    return found
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(why)

    def show_theft(self):
        self.warder("owner", "create", "carol")
        self.warder("issuer", "create", "parcels", "--owner", "bob",
                    "--deputy", "carol", "--grant",
                    f"signer=courier audience={AUDIENCE} external=yes")
        courier = self.warder("cert", "issue", "--role", "signer", "--name",
                              "courier", "--out", self.dir)["profile"]
        key_file = os.path.join(self.dir, "courier.pem")
        own = ("--issuer", "parcels", "--key-file", key_file)
        name = self.warder("key", "register", *own, "--immediate",
                           profile=courier)["name"]
        kid = name.rsplit("/", 1)[1]
        self.say(f"service courier keeps a key of its own: EXTERNAL {kid}")
        self.start_agent()

        def sign():
            return self.warder("token", "sign", *own, "--audience", AUDIENCE,
                               "--subject", "user-1",
                               profile=courier)["token"]
        self.wait_until(lambda: self.edge_accepts(sign()),
                        "the gateway does not accept courier's tokens")
        honest = sign()
        self.edge_accepts(honest)
        self.say("gateway edge accepts its tokens, and tells of each")

        with open(key_file) as file:
            stolen = file.read()
        now = int(time.time())
        started = time.monotonic()
        forged = jwt.encode(
            {"iss": f"http://127.0.0.1:{self.public}/issuers/parcels",
             "aud": AUDIENCE, "sub": "nobody-at-all", "iat": now,
             "exp": now + 900}, stolen, algorithm="ES256",
            headers={"kid": kid})
        assert self.edge_accepts(forged), "the forgery is not good enough"
        self.say("a thief with a copy of courier.pem signs a token: its "
                 "signature is good, edge lets it in")

        def ring():
            done = subprocess.run(
                [self.args.warder, "--profile", self.profile, "--json",
                 "alarm", "list"], capture_output=True, text=True)
            return [a for a in map(json.loads, done.stdout.splitlines())
                    if a["kind"] == "NEVER_ISSUED"]
        alarm = self.wait_until(ring, "no alarm was raised")[0]
        after = round(time.monotonic() - started, 1)
        self.say(f"{alarm['name']} {after} s after it: {alarm['summary']}")
        self.warder(*alarm["gentle_step"].split()[1:])
        refused = self.wait_until(lambda: not self.edge_accepts(forged),
                                  "the forgery is still let in")
        kept = self.edge_accepts(honest)
        self.say(f"{alarm['gentle_step']}: edge refuses the thief's token, and "
                 f"{'accepts' if kept else 'REFUSES'} the honest one")
        return {"forgery_alarmed": alarm["kid"] == kid,
                "forgery_to_alarm_s": after,
                "forgery_refused": refused,
                "honest_token_accepted": kept}

    def show_next_steps(self):
        self.agent.terminate()
        short = os.path.relpath(self.args.warder)
        print(f"""
warderd is running (process {self.process.pid}). Try:

  export WARDER_PROFILE={os.path.relpath(self.profile)}
  {short} status
  {short} key list
  {short} issuer show shop
  {short} owner create carol && {short} issuer update shop --deputy carol
  {short} key revoke --issuer shop --reason compromised --plan KID
  {short} audit list
  curl -i http://127.0.0.1:{self.public}/issuers/shop/.well-known/jwks.json

Stop it with: tools/quickstart --stop
Its log is {os.path.relpath(self.log_path)}.""", file=self.out)


if __name__ == "__main__":
    sys.exit(main())
