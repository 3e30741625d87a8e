"""A warder-agent of a test's own."""
import json
import os
import signal
import subprocess
import time

from harness import free_port

AGENT = os.environ["WARDER_AGENT"]


class Agent:
    """One warder-agent of gateway `name`."""

    def __init__(self, w, name="edge", address=None, ext_authz=None,
                 **verify):
        self.w = w
        self.port = free_port()
        self.dir = os.path.join(w.dir, f"agent-{name}-{self.port}")
        os.makedirs(os.path.join(self.dir, "state"))
        os.makedirs(os.path.join(self.dir, "sets"))
        self.config = os.path.join(self.dir, "agent.yaml")
        if f"gateway/{name}" not in w.clients:
            w.certify("gateway", name)
        with open(w.clients[f"gateway/{name}"]) as profile:
            server = "".join("  " + line for line in profile
                             if not line.startswith("public"))
        settings = {"audiences": "[api]", "max_staleness": "30s", **verify}
        with open(self.config, "w") as out:
            out.write("server:\n" + server + "verify:\n" + "".join(
                f"  {name}: {value}\n" for name, value in settings.items())
                + f"""instance: {name}-1
probe_audience: urn:warder:probe
http_address: {address or f"127.0.0.1:{self.port}"}
state_directory: {self.dir}/state
key_set_directory: {self.dir}/sets
""")
            if ext_authz:
                out.write(f"ext_authz_address: {ext_authz}\n")
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self, **env):
        self.log = open(os.path.join(self.dir, "log"), "a+")
        self.process = subprocess.Popen([AGENT, "--config", self.config],
                                        stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, **env))
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None
            self.log.close()

    def health(self):
        try:
            status, _, body = self.w.get(self.url + "/healthz")
            return status, json.loads(body)
        except OSError as error:
            return 0, {"error": str(error)}

    def answer(self, token, path="/auth"):
        status, headers, _ = self.w.get(
            self.url + path, {"Authorization": "Bearer " + token})
        return status, headers

    def wait(self, connected=True):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            status, health = self.health()
            if status == 200 and health["connected"] == connected:
                return self
            time.sleep(0.02)
        with open(os.path.join(self.dir, "log")) as log:
            raise AssertionError(f"{health}\n{log.read()}")
