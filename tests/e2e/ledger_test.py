"""What was issued is on record before anybody has it, whatever happens then."""
import base64
import json
import os
import queue
import resource
import signal
import threading
import time
import unittest

import api
import grpc  # after api, which sets it up
from harness import Warderd

TOKEN, LEDGER = api.messages("token"), api.messages("ledger")
ISSUED = LEDGER.VERDICT_ISSUED
NEVER_ISSUED = LEDGER.VERDICT_NEVER_ISSUED
INDETERMINATE = LEDGER.VERDICT_INDETERMINATE


def sign_request(subject="u1", **fields):
    return TOKEN.SignJwtRequest(issuer="issuers/shop", audiences=["api"],
                                subject=subject, **fields)


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()
        self.w.certify("gateway", "edge")
        self.w.must("gateway", "create", "edge", "--kind", "libwarder",
                    "--issuer", "shop")

    def tearDown(self):
        self.w.close()

    def verdicts(self, tokens, who="gateway/edge"):
        with api.channel(self.w, who) as channel:
            check = api.method(channel, "ledger",
                               "LedgerService/CheckIssuedBatch")
            found = []
            for at in range(0, len(tokens), 1000):
                answer = check(LEDGER.CheckIssuedBatchRequest(requests=[
                    LEDGER.CheckIssuedRequest(issuer="issuers/shop",
                                              token=token)
                    for token in tokens[at:at + 1000]]), timeout=30)
                found += [one.verdict for one in answer.answers]
            return found

    def test_batch_stream_and_single_tokens_are_on_record(self):
        with api.channel(self.w, "signer/checkout") as channel:
            one = api.method(channel, "token", "TokenService/SignJwt")
            batch = api.method(channel, "token", "TokenService/SignJwtBatch")
            stream = api.method(channel, "token", "TokenService/SignJwtStream",
                                streams=True)
            tokens = [one(sign_request(), timeout=10).token]
            answer = batch(TOKEN.SignJwtBatchRequest(
                requests=[sign_request(f"u{i}") for i in range(50)]),
                timeout=10)
            tokens += [signed.token for signed in answer.tokens]
            # One that is refused ends none of the others.
            requests = [sign_request(f"s{i}") for i in range(200)]
            requests[7].audiences[0] = "other"
            answers = list(stream(iter(requests), timeout=30))
            self.assertEqual(len(answers), 200)
            self.assertIn("other", answers[7].error.message)
            self.assertEqual(answers[7].error.code,
                             grpc.StatusCode.PERMISSION_DENIED.value[0])
            tokens += [a.token.token for a in answers if a.HasField("token")]
            with self.assertRaises(grpc.RpcError) as caught:
                batch(TOKEN.SignJwtBatchRequest(requests=[requests[7]]),
                      timeout=10)
            self.assertIn("requests[0]", caught.exception.details())
        self.assertEqual(len(set(tokens)), 250)
        self.assertEqual(self.verdicts(tokens), [ISSUED] * 250)
        # The service ends a stream that is open.
        with api.channel(self.w, "signer/checkout") as channel:
            requests = queue.Queue()
            answers = api.method(
                channel, "token", "TokenService/SignJwtStream", streams=True)(
                    iter(requests.get, None))
            requests.put(sign_request())
            self.assertTrue(next(answers).token.token)
            ended = []

            def wait_for_the_end():
                try:
                    next(answers)
                except grpc.RpcError:
                    ended.append(time.time() - started)
            waiter = threading.Thread(target=wait_for_the_end)
            waiter.start()
            started = time.time()
            self.assertEqual(self.w.stop(), 0)
            waiter.join()
            self.assertLess(ended[0], 1.5)  # drain: 2s
            requests.put(None)

    def test_killed_under_load_no_token_is_out_and_unrecorded(self):
        kept, lock = [], threading.Lock()

        def load(shape):
            try:
                with api.channel(self.w, "signer/checkout") as channel:
                    call = api.method(channel, "token",
                                      f"TokenService/{shape}",
                                      streams=shape == "SignJwtStream")
                    while True:
                        if shape == "SignJwt":
                            got = [call(sign_request(), timeout=10).token]
                        elif shape == "SignJwtBatch":
                            got = [signed.token for signed in call(
                                TOKEN.SignJwtBatchRequest(
                                    requests=[sign_request()] * 20),
                                timeout=10).tokens]
                        else:
                            for answer in call(iter([sign_request()] * 500),
                                               timeout=10):
                                with lock:
                                    kept.append(answer.token.token)
                            continue
                        with lock:
                            kept.extend(got)
            except grpc.RpcError:
                pass  # killed

        for round_ in range(3):
            before = len(kept)
            threads = [threading.Thread(target=load, args=(shape,)) for shape in
                       ("SignJwt", "SignJwt", "SignJwtBatch", "SignJwtStream")]
            for thread in threads:
                thread.start()
            time.sleep(1 + round_ / 3)
            self.w.stop(signal.SIGKILL)
            for thread in threads:
                thread.join()
            self.assertGreater(len(kept), before + 100)
            self.w.start()
            self.assertEqual(set(self.verdicts(kept)), {ISSUED})
        print(f"{len(kept)} tokens were out, in 3 kills; all are on record")

    def test_a_full_disk_stops_signing_and_nothing_else(self):
        self.w.sign()
        pid = self.w.process.pid
        former = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, former[1]))
        answer = self.w.warder("token", "sign", "--issuer", "shop",
                               "--audience", "api", who="signer/checkout")
        self.assertEqual(answer.code, 6)
        self.assertIn("no token", answer.err)
        self.assertEqual(self.w.get(self.w.jwks_url())[0], 200)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, former)
        token = self.w.sign()
        self.assertEqual(self.verdicts([token]), [ISSUED])

    def test_a_forged_token_was_never_issued(self):
        """Even where it is made by the key itself, as a thief's would be."""
        token = self.w.sign()
        checked = self.w.must("--json", "token", "check", "--issuer", "shop",
                              token).json()
        self.assertEqual(checked["verdict"], "ISSUED")
        header, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        claims["sub"] = "somebody-else"  # jti and all else are copied
        forged = header + "." + base64.urlsafe_b64encode(
            json.dumps(claims).encode()).rstrip(b"=").decode() + ".c2ln"
        self.assertEqual(self.verdicts([token, forged]), [ISSUED, NEVER_ISSUED])
        with api.channel(self.w, "gateway/edge") as channel:
            stream = api.method(channel, "ledger",
                                "LedgerService/CheckIssuedStream",
                                streams=True)

            def ask(text):
                return LEDGER.CheckIssuedRequest(issuer="issuers/shop",
                                                 token=text)
            answers = stream(map(ask, [token, forged, token]), timeout=10)
            self.assertEqual([one.verdict for one in answers],
                             [ISSUED, NEVER_ISSUED, ISSUED])
            with self.assertRaises(grpc.RpcError) as caught:
                list(stream(map(ask, [token, "no token"]), timeout=10))
            self.assertEqual(caught.exception.code(),
                             grpc.StatusCode.INVALID_ARGUMENT)
        refused = self.w.warder("token", "check", "--issuer", "shop", forged)
        self.assertEqual(refused.code, 7)
        self.assertIn("never issued", refused.err)
        # What a ledger has lost is doubt.
        self.w.stop()
        ledger = os.path.join(self.w.data, "ledger")
        for name in os.listdir(ledger):
            if not name.startswith("manifest"):
                os.rename(os.path.join(ledger, name),
                          os.path.join(self.w.dir, name))
        self.w.start()
        self.assertEqual(self.verdicts([token, forged]), [INDETERMINATE] * 2)
        self.assertIn("ledger.file_unreadable", self.w.log_text())
        self.assertGreater(
            self.w.metrics()["warder_ledger_incomplete_minutes"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
