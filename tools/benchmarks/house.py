"""A warderd and other processes of a benchmark's own, in a directory that goes
with them."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

SERVER_CORE, CLIENT_CORE = "0", "1"

# What nginx wants to write; it is another user.
NGINX_PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(core, *command):
    return ["taskset", "-c", core, *command]


class House:
    def __init__(self, args):
        self.args = args
        self.dir = tempfile.mkdtemp(prefix="warder-bench-")
        os.chmod(self.dir, 0o755)  # nginx's worker is another user
        self.processes = []

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(15)
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *command):
        self.processes.append(subprocess.Popen(command))

    def start_warderd(self, name, *wrapper, public="", tls=""):
        """Returns the administrator's profile."""
        config = self.path(f"{name}.yaml")
        with open(config, "w") as out:
            out.write(f"""data_directory: {self.path('data-' + name)}
log_level: error
grpc:
  address: 127.0.0.1:{free_port()}
public:
  address: 127.0.0.1:{public or free_port()}
{tls}hr:
  address: 127.0.0.1:{free_port()}
ops:
  address: 127.0.0.1:{free_port()}
""")
        made = subprocess.run(
            [self.args.warderd, "init", "--config", config, "--json"],
            capture_output=True, text=True, check=True)
        self.start(*wrapper, self.args.warderd, "serve", "--config", config)
        time.sleep(1)
        return json.loads(made.stdout)["profile"]

    def warder(self, profile, *args):
        done = subprocess.run([self.args.warder, "--profile", profile, *args],
                              capture_output=True, text=True)
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout

    def start_nginx(self, http):
        """One worker on the servers' core. `http`: its http block's inside."""
        paths = "".join(f"  {name}_temp_path {self.path('t-' + name)};\n"
                        for name in NGINX_PATHS)
        with open(self.path("nginx.conf"), "w") as out:
            out.write(f"""worker_processes 1;
daemon off;
pid {self.path('nginx.pid')};
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
{paths}{http}}}
""")
        self.start(*pinned(SERVER_CORE, "nginx", "-p", self.dir, "-e",
                           "stderr", "-c", self.path("nginx.conf")))
        time.sleep(1)

    def load(self, url, *options):
        """Returns what wrk, on the other core, prints."""
        out = subprocess.run(
            pinned(CLIENT_CORE, "wrk", "-t1", "-c32",
                   f"-d{self.args.seconds}s", *options, url),
            capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in out, out
        return out
