"""A gateway beside which nothing of ours runs: nginx alone, and its access log."""
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

import jwt

from envoy import CONFIG, envoy_binary
from harness import Warderd, free_port

AGENT = os.environ["WARDER_AGENT"]
ROOT = pathlib.Path(__file__).resolve().parents[2]


class TailTest(unittest.TestCase):
    def setUp(self):
        self.nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(self.nginx):
            self.skipTest("SKIPPED: nginx is not installed")
        self.w = Warderd().start()
        self.w.set_up_shop()
        self.w.must("gateway", "create", "edge", "--kind", "other", "--issuer",
                    "shop")
        self.w.certify("gateway", "edge")
        self.running = []
        self.port = free_port()
        self.log = os.path.join(self.w.dir, "access.json")
        self.issuer = f"http://127.0.0.1:{self.w.public}/issuers/shop"

    def tearDown(self):
        for process in self.running:
            process.terminate()
            process.wait(20)
        self.w.close()

    def start_nginx(self, token):
        """`token` is what it logs of each request."""
        path = os.path.join(self.w.dir, "nginx.conf")
        with open(path, "w") as out:
            out.write(f"""daemon off;
pid {self.w.dir}/nginx.pid;
error_log {self.w.dir}/nginx.err;
events {{}}
http {{
  access_log off;
  client_body_temp_path {self.w.dir}/body;
  proxy_temp_path {self.w.dir}/proxy;
  fastcgi_temp_path {self.w.dir}/fastcgi;
  uwsgi_temp_path {self.w.dir}/uwsgi;
  scgi_temp_path {self.w.dir}/scgi;
  map $http_authorization $input {{
    "~^Bearer (?<input_of>[^.]+[.][^.]+)[.]" $input_of;
  }}
  log_format warder escape=json '{{"time":"$msec","status":$status,'
    '"remote_addr":"$remote_addr","token":"{token}"}}';
  server {{
    listen 127.0.0.1:{self.port};
    access_log {self.log} warder;
    location / {{ return 200; }}
    location /refused {{ return 401; }}
  }}
}}
""")
        process = subprocess.Popen([self.nginx, "-c", path],
                                   stderr=subprocess.DEVNULL)
        self.running.append(process)
        self.wait_for(lambda: self.request("") == 200)
        return process

    def start_envoy(self):
        """As tail.sample.yaml says."""
        binary = envoy_binary(self, os.path.join(self.w.dir, "envoy"))
        sample = (ROOT / "client/agent/tail.sample.yaml").read_text()
        remarks = "".join(line.lstrip("# ") + " " for line in
                          sample.split("\nserver:")[0].splitlines())
        fields = re.search(r"json_format: (\{.*?\})\.", remarks).group(1)
        path = os.path.join(self.w.dir, "envoy.yaml")
        config = CONFIG.format(
            port=self.port, route="direct_response: {status: 200}",
            filters="", clusters="").replace(
            "stat_prefix: door", f"""stat_prefix: door
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.\
file.v3.FileAccessLog
              path: {self.log}
              log_format: {{json_format: {fields}}}""").replace(
            "  clusters:\n\n", "")
        with open(path, "w") as out:
            out.write(config)
        log = open(os.path.join(self.w.dir, "envoy.log"), "w")
        self.addCleanup(log.close)
        self.running.append(subprocess.Popen(
            [binary, "-c", path, "--concurrency", "1", "--base-id",
             str(self.port % 30000), "-l", "warn", "--file-flush-interval-msec",
             "100"], stdout=log, stderr=log))
        self.wait_for(lambda: self.request("") == 200)

    def start_tail(self, **settings):
        with open(self.w.clients["gateway/edge"]) as profile:
            server = "".join("  " + line for line in profile
                             if not line.startswith("public"))
        state = os.path.join(self.w.dir, "state")
        os.makedirs(state, exist_ok=True)
        config = os.path.join(self.w.dir, "tail.yaml")
        with open(config, "w") as out:
            out.write("server:\n" + server + f"""instance: edge-1
files: [{self.log}]
issuers: ["shop={self.issuer}"]
audiences: [api]
state_directory: {state}
""" + "".join(f"{name}: {value}\n" for name, value in settings.items()))
        log = open(os.path.join(self.w.dir, "tail.log"), "a")
        self.addCleanup(log.close)
        process = subprocess.Popen([AGENT, "tail", "--config", config],
                                   stdout=log, stderr=log)
        self.running.append(process)
        # It has begun once it has reported.
        self.wait_for(lambda: "tail.started" in self.tail_log())
        time.sleep(1.5)
        return process

    def tail_log(self):
        with open(os.path.join(self.w.dir, "tail.log")) as log:
            return log.read()

    def request(self, token, path="/"):
        try:
            return self.w.get(f"http://127.0.0.1:{self.port}{path}",
                              {"Authorization": "Bearer " + token})[0]
        except OSError:
            return 0

    def alarms(self):
        return [alarm for alarm in self.w.must(
            "--json", "alarm", "list").lines() if alarm["kind"] != "EXCESS"]

    def wait_for(self, what, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if what():
                return
            time.sleep(0.1)
        self.fail(f"{self.alarms()}\n{self.tail_log()}\n"
                  f"{self.w.log_text()[-2000:]}")

    def decoy(self):
        """A real private key whose tokens nobody has issued."""
        return self.w.must("--json", "honey", "create", "--issuer", "shop",
                           "--place", "wiki").json()

    def forge(self, pem, kid):
        now = int(time.time())
        return jwt.encode({"iss": self.issuer, "aud": "api", "sub": "mallory",
                           "iat": now, "exp": now + 300}, pem,
                          algorithm="ES256", headers={"kid": kid})

    def usage(self, kid):
        return self.w.must("--json", "key", "usage", kid, "--issuer",
                           "shop").json()

    def one_is_seen_and_the_next_rings(self, decoy):
        kid = self.w.keys("active")[0]["kid"]
        self.wait_for(lambda: self.usage(kid).get("seen"))
        self.assertEqual(self.usage(kid)["seen"], [
            {"audience": "api", "source": "SOURCE_CLASS_PRIVATE",
             "tokens": "1"}])
        self.assertEqual(self.alarms(), [])
        self.request(self.forge(decoy["private_key"], decoy["key"]["kid"]))
        self.wait_for(self.alarms)
        alarm = self.alarms()[0]
        self.assertEqual((alarm["kind"], alarm["planted_at"]),
                         ("HONEY_KEY", "wiki"))
        self.wait_for(lambda: '"source":"127.0.0.1"' in self.alarms()[0][
            "evidence"])

    def test_whole_tokens_are_verified_and_a_forged_one_rings(self):
        decoy = self.decoy()
        self.start_nginx("$http_authorization")
        self.start_tail()
        token = self.w.sign()
        for path in ("/", "/"):
            self.request(token, path)
        self.request(self.w.sign(), "/refused")
        self.request("not.a.token")
        # Anybody can write this into a header: no key has signed it.
        header, payload, _ = token.split(".")
        self.request(f"{header}.{payload}x.{'A' * 86}")
        # Somebody signs whom Warder does not know: that is said, once, and is no
        # alarm.
        for number in range(2):
            self.request(jwt.encode(
                {"iss": "https://legacy.example", "aud": "api", "iat": number},
                "s" * 32, algorithm="HS256", headers={"kid": "old"}))
        self.one_is_seen_and_the_next_rings(decoy)
        self.assertEqual(self.tail_log().count("tail.unknown_issuer"), 1)
        self.assertIn('"iss":"https://legacy.example"', self.tail_log())

    def test_envoy_writes_such_a_log_too(self):
        decoy = self.decoy()
        self.start_envoy()
        self.start_tail()
        self.request(self.w.sign())
        self.one_is_seen_and_the_next_rings(decoy)

    def test_a_log_that_is_trusted_needs_no_signatures(self):
        nginx = self.start_nginx("$input")
        tail = self.start_tail(trust_log="true")
        token = self.w.sign()
        kid = self.w.keys("active")[0]["kid"]
        self.request(token)
        with open(self.log) as log:
            self.assertNotIn(token.split(".")[2], log.read())
        self.wait_for(lambda: self.usage(kid).get("seen"))
        self.assertEqual(self.alarms(), [])
        # Rotated, and read on after a restart.
        tail.terminate()
        tail.wait(20)
        header, payload, _ = token.split(".")
        self.request(f"{header}.{payload[:-2]}.x")  # no JSON any more
        os.rename(self.log, self.log + ".1")
        nginx.send_signal(10)  # USR1: it opens its log anew
        self.wait_for(lambda: os.path.exists(self.log))
        self.request(self.w.sign())
        self.start_tail(trust_log="true")
        self.wait_for(lambda: sum(
            int(w.get("observed", 0)) for w in self.usage(kid)["windows"]) == 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
