"""The samples of tools/deploy, run by the gateways they are for."""
import os
import pathlib
import subprocess
import time
import unittest
import urllib.error

from envoy import CONFIG, cluster, envoy_binary
from harness import Warderd, free_port

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "tools/deploy"


class GatewaysTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop("--cache-max-age", "5s")
        self.gateway = None

    def tearDown(self):
        if self.gateway:
            self.gateway.terminate()
            self.gateway.wait()
            self.output.close()
        self.w.close()

    def start(self, command, url, ready):
        self.output = open(os.path.join(self.w.dir, "gateway.log"), "w+")
        self.gateway = subprocess.Popen(command, stdout=self.output,
                                        stderr=self.output)
        for _ in range(200):
            try:
                if self.w.get(url)[0] in ready:
                    return
            except (OSError, urllib.error.URLError):
                pass
            if self.gateway.poll() is not None:
                break
            time.sleep(0.05)
        self.output.seek(0)
        self.fail("the gateway did not start: " + self.output.read()[-3000:])

    def eventually(self, seconds, check):
        deadline = time.time() + seconds
        while time.time() < deadline:
            if check():
                return True
            time.sleep(0.1)
        return False

    def test_nginx_serves_the_set_and_nothing_stale(self):
        port = free_port()
        cache = os.path.join(self.w.dir, "cache")
        sample = (DEPLOY / "nginx-proxy-cache.conf").read_text()
        for here, there in (("/var/cache/nginx/warder", cache),
                            ("127.0.0.1:8480", f"127.0.0.1:{port}"),
                            ("127.0.0.1:7480", f"127.0.0.1:{self.w.public}")):
            self.assertIn(here, sample)
            sample = sample.replace(here, there)
        config = os.path.join(self.w.dir, "nginx.conf")
        with open(config, "w") as out:
            # Its workers must reach a directory that only we may enter.
            user = "user root;" if os.geteuid() == 0 else ""
            out.write(f"daemon off; pid {self.w.dir}/nginx.pid; {user}\n"
                      f"error_log stderr;\nevents {{}}\n"
                      f"http {{ access_log off;\n{sample} }}\n")
        url = f"http://127.0.0.1:{port}/jwks.json"
        self.start(["/usr/sbin/nginx", "-c", config], url, (200,))
        before = self.w.get(url)[2]
        self.assertEqual(before, self.w.get(self.w.jwks_url())[2])
        self.w.must("owner", "depart", "alice")
        after = self.w.get(self.w.jwks_url())[2]
        self.assertNotEqual(before, after)
        self.assertTrue(self.eventually(
            10, lambda: self.w.get(url)[2] == after))
        # Without warderd an outage is an error, not the old set.
        self.w.stop()
        self.assertTrue(self.eventually(
            10, lambda: self.w.get(url)[0] in (502, 504)))

    def test_envoy_accepts_then_refuses(self):
        target = os.path.join(self.w.dir, "envoy")
        binary = envoy_binary(self, target)
        sample = (DEPLOY / "envoy-jwt-authn.yaml").read_text()
        for here, there in (("127.0.0.1:7480", f"127.0.0.1:{self.w.public}"),
                            ("[https://api.example]", "[api]"),
                            ("cache_duration: 60s", "cache_duration: 1s")):
            self.assertIn(here, sample)
            sample = sample.replace(here, there)
        port = free_port()
        config = os.path.join(self.w.dir, "envoy.yaml")
        with open(config, "w") as out:
            out.write(CONFIG.format(
                port=port,
                route="direct_response: {status: 200, body: "
                      "{inline_string: hello}}",
                filters=" " * 10 + "- name: envoy.filters.http.jwt_authn\n"
                + " " * 12 + "typed_config:\n" + " " * 14
                + '"@type": type.googleapis.com/envoy.extensions.filters.http.'
                "jwt_authn.v3.JwtAuthentication\n"
                + "".join(" " * 14 + line + "\n"
                          for line in sample.splitlines()),
                clusters=cluster("warder", self.w.public)))
        url = f"http://127.0.0.1:{port}/"
        self.start([binary, "-c", config, "--concurrency", "1",
                    "--base-id", str(port), "-l", "warn"], url, (401,))

        def answer(token):
            return self.w.get(url, {"Authorization": "Bearer " + token})[0]

        token = self.w.sign()
        self.assertEqual(answer(token), 200)
        self.w.must("owner", "depart", "alice")
        self.assertTrue(self.eventually(10, lambda: answer(token) == 401))
        self.assertEqual(answer(self.w.sign()), 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
