"""Who gets through which door, and what the doors say."""
import importlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import unittest

from harness import Warderd, pip_install


def openssl_handshake(w, *args):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{w.grpc}", *args],
        input=b"", capture_output=True, timeout=20)
    return (done.stdout + done.stderr).decode(errors="replace")


def make_certificate(path, name, days="1"):
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", path + ".key", "-out", path + ".csr"],
                   check=True, capture_output=True)
    # `x509` takes days in the past, `req` does not.
    subprocess.run(["openssl", "x509", "-req", "-in", path + ".csr",
                    "-copy_extensions", "copy", "-signkey", path + ".key",
                    "-days", days, "-out", path + ".pem"],
                   check=True, capture_output=True)


class DoorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = Warderd().start()
        cls.w.set_up_shop()
        for role, name in (("hr", "hook"), ("auditor", "ann"),
                           ("owner", "alice"), ("owner", "bob")):
            cls.w.certify(role, name)

    @classmethod
    def tearDownClass(cls):
        cls.w.close()

    def test_grpc_speaks_tls_13_only(self):
        base = self.w.profile[:-len(".yaml")]
        ours = ["-cert", base + ".pem", "-key", base + "-key.pem",
                "-CAfile", os.path.join(self.w.data, "authority.pem")]
        self.assertIn("New, TLSv1.3", openssl_handshake(self.w, *ours))
        self.assertIn("New, (NONE)", openssl_handshake(self.w, "-tls1_2", *ours))

    def test_a_role_may_do_what_its_row_says(self):
        for who, command, code in (
                ("hr/hook", ["owner", "list"], 0),
                ("hr/hook", ["key", "list"], 4),
                ("hr/hook", ["issuer", "list"], 4),
                ("auditor/ann", ["audit", "list"], 0),
                ("auditor/ann", ["owner", "create", "x"], 4),
                ("signer/checkout", ["key", "list"], 4),
                ("owner/bob", ["key", "list"], 0),
                ("owner/bob", ["audit", "list"], 4)):
            self.assertEqual(self.w.warder(*command, who=who).code, code,
                             (who, command))
        denied = self.w.must("--json", "audit", "list", "--denied").lines()
        self.assertIn("hr/hook", {e["actor"] for e in denied})

    def test_the_key_set_answers_as_caches_expect(self):
        status, headers, body = self.w.get(self.w.jwks_url())
        self.assertEqual(status, 200)
        self.assertEqual(int(headers["Content-Length"]), len(body))
        etag = headers["ETag"]
        status, headers, body = self.w.get(self.w.jwks_url(),
                                           {"If-None-Match": etag})
        self.assertEqual((status, body, headers["ETag"]), (304, b"", etag))
        status, headers, body = self.w.get(self.w.jwks_url(), method="HEAD")
        self.assertEqual((status, body), (200, b""))
        default = self.w.get(
            f"http://127.0.0.1:{self.w.public}/.well-known/jwks.json")
        self.assertEqual(default[1]["ETag"], etag)

    def test_metrics_count_what_happened(self):
        w = Warderd().start()
        self.addCleanup(w.close)
        w.set_up_shop()
        w.sign()
        w.sign()
        w.get(w.jwks_url())
        etag = w.get(w.jwks_url())[1]["ETag"]
        w.get(w.jwks_url(), {"If-None-Match": etag})
        w.warder("owner", "list", who="signer/checkout")  # denied
        [key] = w.keys("ACTIVE")
        w.must("key", "revoke", key["name"], "--reason", "compromised")
        w.must("owner", "depart", "alice")
        counted = w.metrics()
        for name, value in (
                ('warder_revocations_total{reason="COMPROMISED"}', 1),
                ('warder_revocations_total{reason="OWNER_DEPARTED"}', 1),
                ('warder_sign_operations_total{algorithm="ES256",result="ok"}',
                 2),
                ('warder_key_set_requests_total{status="200"}', 2),
                ('warder_key_set_requests_total{status="304"}', 1),
                ("warder_denials_total", 1)):
            self.assertEqual(counted[name], value, name)
        # The loop looks at the store when it starts, then every 15 seconds.
        w.stop()
        w.start()
        for _ in range(100):
            counted = w.metrics()
            if 'warder_keys{state="REVOKED"}' in counted:
                break
            time.sleep(0.05)
        self.assertEqual(counted['warder_keys{state="REVOKED"}'], 2)
        self.assertEqual(counted['warder_keys{state="ACTIVE"}'], 1)
        self.assertEqual(counted["warder_store_available"], 1)
        self.assertGreaterEqual(counted["warder_seconds_since_last_rotation"],
                                0)
        self.assertEqual(counted["warder_rotation_loop_lag_seconds"], 0)

    def test_metrics_readiness_and_health(self):
        self.assertEqual(self.w.get_ops("/healthz")[0], 200)
        ready = json.loads(self.w.get_ops("/readyz")[2])
        self.assertEqual((ready["ready"], ready["store"]), (True, "available"))

    def test_errors_decode_with_a_stock_library(self):
        """google.rpc details, read by Python's own messages of them."""
        target = os.path.join(self.w.dir, "site")
        pip_install(self, target, "googleapis-common-protos<1.60")
        sys.path.append(target)
        import google
        google.__path__.append(os.path.join(target, "google"))
        import grpc
        status_pb2 = importlib.import_module("google.rpc.status_pb2")
        details = importlib.import_module("google.rpc.error_details_pb2")
        base = self.w.profile[:-len(".yaml")]

        def read(path):
            with open(path, "rb") as file:
                return file.read()
        channel = grpc.secure_channel(
            f"localhost:{self.w.grpc}", grpc.ssl_channel_credentials(
                read(os.path.join(self.w.data, "authority.pem")),
                read(base + "-key.pem"), read(base + ".pem")))
        call = channel.unary_unary("/warder.v1.KeyService/GetKey")
        with self.assertRaises(grpc.RpcError) as caught:
            call(b"\x0a\x03bad", timeout=10)  # field 1, "bad"
        trailer = dict(caught.exception.trailing_metadata())
        status = status_pb2.Status.FromString(
            trailer["grpc-status-details-bin"])
        info, bad = details.ErrorInfo(), details.BadRequest()
        self.assertTrue(status.details[0].Unpack(info))
        self.assertEqual((info.reason, info.domain),
                         ("INVALID_FIELD", "warder.dev"))
        self.assertTrue(status.details[1].Unpack(bad))
        self.assertEqual(bad.field_violations[0].field, "name")
        # Health and reflection stand on the same door.
        health = channel.unary_unary("/grpc.health.v1.Health/Check")
        self.assertEqual(health(b"", timeout=10), b"\x08\x01")
        reflect = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        services = next(reflect(iter([b"\x3a\x00"]), timeout=10))  # list them
        for service in ("Issuer", "Key", "Owner", "Token", "Audit",
                        "Certificate", "Status"):
            self.assertIn(f"warder.v1.{service}Service".encode(), services)


class TlsReloadTest(unittest.TestCase):
    def reload_refused(self, w, words, served):
        w.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            if words in w.log_text():
                break
            time.sleep(0.05)
        self.assertIn(words, w.log_text())
        self.assertEqual(
            ssl.get_server_certificate(("127.0.0.1", w.public)), served)

    def sign_and_revoke(self, w):
        w.sign()
        [key] = w.keys("ACTIVE")
        w.must("key", "revoke", key["name"], "--reason", "compromised")

    def test_sighup_takes_up_a_new_certificate(self):
        w = Warderd()
        try:
            cert = os.path.join(w.dir, "public")
            make_certificate(cert, "first")
            w.write_config(f"  tls:\n    certificate: {cert}.pem\n"
                           f"    private_key: {cert}.key\n")
            w.scheme = "https"
            w.start()
            w.set_up_shop()
            first = ssl.get_server_certificate(("127.0.0.1", w.public))
            context = ssl.create_default_context(cafile=cert + ".pem")
            self.assertEqual(w.get(w.jwks_url(), context=context)[0], 200)
            make_certificate(cert, "second")
            w.process.send_signal(signal.SIGHUP)
            for _ in range(100):
                now = ssl.get_server_certificate(("127.0.0.1", w.public))
                if now != first:
                    break
                time.sleep(0.05)
            self.assertNotEqual(now, first)
            # Broken or expired, the file leaves the certificate in use.
            with open(cert + ".pem", "w") as out:
                out.write("broken")
            self.reload_refused(w, "cannot be used", now)
            make_certificate(cert, "third", days="-1")
            self.reload_refused(w, "expired at", now)
            day = w.metrics()["warder_public_certificate_expire_time_seconds"]
            self.assertAlmostEqual(day, time.time() + 86400, delta=600)
            # A start does not wait for a new one: it would hold up
            # revocations. It says so.
            w.stop()
            w.start()
            self.assertIn("public.certificate_expired", w.log_text())
            day = w.metrics()["warder_public_certificate_expire_time_seconds"]
            self.assertAlmostEqual(day, time.time() - 86400, delta=600)
            self.sign_and_revoke(w)
        finally:
            w.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
