"""A warderd of the test's own, on ports of its own, and `warder` to talk to it."""
import fcntl
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

WARDERD = os.environ["WARDERD"]
WARDER = os.environ["WARDER"]


_ports = []  # of this process, locked until it ends


def free_port():
    # Below the range the kernel takes for outgoing connections, and locked
    # against tests that run beside this one, so that the port is still free when
    # warderd is started again.
    while True:
        port = random.randrange(10000, 32768)
        lock = open(os.path.join(tempfile.gettempdir(),
                                 f"warder-port-{port}.lock"), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
            _ports.append(lock)
            return port
        except OSError:
            lock.close()


def pip_install(test, directory, package):
    """Installs what Debian does not have, or skips `test` out loud."""
    pip = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target",
         directory, "--no-deps", package], capture_output=True, text=True)
    if pip.returncode != 0:
        test.skipTest(f"SKIPPED: {package} cannot be had here: "
                      + pip.stderr.strip()[-200:])


class Answer:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Warderd:
    """One data directory. start() and stop() may be called again and again."""

    def __init__(self, extra_public="", extra_hr=""):
        self.dir = tempfile.mkdtemp(prefix="warder-e2e-")
        self.data = os.path.join(self.dir, "data")
        self.grpc, self.public, self.ops, self.hr = (
            free_port() for _ in range(4))
        self.scheme = "http"
        self.config = os.path.join(self.dir, "warderd.yaml")
        self.write_config(extra_public, extra_hr)
        self.process = None
        done = subprocess.run([WARDERD, "init", "--config", self.config,
                               "--json"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.profile = json.loads(done.stdout)["profile"]
        self.clients = {"security/admin": self.profile}

    def write_config(self, extra_public="", extra_hr=""):
        with open(self.config, "w") as out:
            out.write(f"""data_directory: {self.data}
drain: 2s
grpc:
  address: 127.0.0.1:{self.grpc}
public:
  address: 127.0.0.1:{self.public}
  base_url: http://127.0.0.1:{self.public}
  default_issuer: shop
{extra_public}hr:
  address: 127.0.0.1:{self.hr}
  base_url: https://127.0.0.1:{self.hr}
  match: user_name
{extra_hr}ops:
  address: 127.0.0.1:{self.ops}
""")

    def start(self, binary=WARDERD, args=None, env=None, wait=True,
              limits=None):
        """`limits`: of resource.RLIMIT_..., by lower-case name."""
        def limit():
            for name, value in (limits or {}).items():
                resource.setrlimit(
                    getattr(resource, "RLIMIT_" + name.upper()), value)
        self.log = open(os.path.join(self.dir, "log"), "a+")
        self.process = subprocess.Popen(
            [binary] + (args or ["serve", "--config", self.config]),
            stdout=self.log, stderr=self.log, preexec_fn=limit,
            env=dict(os.environ, **(env or {})))
        deadline = time.time() + 30
        while wait and time.time() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(self.log_text())
            try:
                if self.get_ops("/readyz")[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        assert not wait, "warderd did not become ready: " + self.log_text()
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(30) if self.process else None
        self.log.close()
        self.process = None
        return code

    def close(self):
        if self.process:
            self.stop(signal.SIGKILL)
        elif hasattr(self, "log"):
            self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_text(self):
        with open(os.path.join(self.dir, "log")) as log:
            return log.read()

    def warder(self, *args, who="security/admin", stdin=None, env=None):
        return Answer(subprocess.run(
            [WARDER, "--profile", self.clients[who], *args],
            capture_output=True, text=True, input=stdin, timeout=120,
            env=dict(os.environ, **(env or {}))))

    def must(self, *args, **kwargs):
        answer = self.warder(*args, **kwargs)
        assert answer.code == 0, (args, answer.err)
        return answer

    def certify(self, role, name, *args):
        issued = self.must("--json", "cert", "issue", "--role", role, "--name",
                           name, "--out", self.dir, *args).json()
        self.clients[f"{role}/{name}"] = issued["profile"]
        return issued

    def set_up_shop(self, *policy):
        """Owners alice and bob, issuer shop, signer checkout."""
        self.must("owner", "create", "alice")
        self.must("owner", "create", "bob")
        self.must("issuer", "create", "shop", "--owner", "alice", "--deputy",
                  "bob", "--grant",
                  "signer=checkout audience=api lifetime=5m", *policy)
        self.certify("signer", "checkout")

    def sign(self, *args, issuer="shop"):
        return self.must("token", "sign", "--issuer", issuer, "--audience",
                         "api", "--subject", "u1", *args,
                         who="signer/checkout").out.strip()

    def keys(self, state=None, issuer="shop"):
        args = ["--json", "key", "list", "--issuer", issuer]
        if state:
            args += ["--state", state]
        return self.must(*args).lines()

    def jwks_url(self, issuer="shop"):
        return (f"{self.scheme}://127.0.0.1:{self.public}/issuers/{issuer}"
                "/.well-known/jwks.json")

    def get(self, url, headers=None, method="GET", context=None):
        request = urllib.request.Request(url, headers=headers or {},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=10,
                                        context=context) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def metrics(self):
        """What /metrics says, by series."""
        lines = self.get_ops("/metrics")[2].decode().splitlines()
        return {name: float(value) for name, value in (
            line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def get_ops(self, path):
        return self.get(f"http://127.0.0.1:{self.ops}{path}")
