"""The pieces of tools/hr-hook, each as HR's side would run it."""
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import unittest
import urllib.request

from harness import WARDER, Warderd
from scim_test import Scim

HOOK = os.path.join(os.path.dirname(__file__), "../../tools/hr-hook")


class HrHookTest(unittest.TestCase):
    def setUp(self):
        self.w = Warderd().start()
        self.w.set_up_shop()
        self.scim = Scim(self.w, "hr")
        self.authority = os.path.join(self.w.data, "authority.pem")
        self.url = f"https://127.0.0.1:{self.w.hr}/scim/v2"

    def tearDown(self):
        self.w.close()

    def state(self, owner):
        return self.w.must("--json", "owner", "show", owner).json()["state"]

    def depart(self, *args, **env):
        token = os.path.join(self.w.dir, "token")
        with open(token, "w") as out:
            out.write(self.scim.token + "\n")
        return subprocess.run(
            [os.path.join(HOOK, "warder-depart"), *args], text=True,
            capture_output=True, timeout=60,
            env={**os.environ, "WARDER_HR_URL": self.url,
                 "WARDER_HR_TOKEN_FILE": token,
                 "WARDER_HR_CA": self.authority, **env})

    def test_the_shell_hook_ends_an_owner_by_whatever_rule(self):
        for rule in ("external_id", "user_name", "email"):
            self.w.stop()
            self.w.start(args=["serve", "--config", self.w.config,
                               "--set", "hr.match=" + rule])
            name = f"{rule}@example.com"
            owner = rule.replace("_", "-")
            self.w.must("owner", "create", owner, "--contact", name,
                        *([] if rule == "email" else ["--external-id", name]))
            done = self.depart(name)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.state(owner), "DEPARTED", rule)

    def test_the_shell_hook(self):
        self.scim.create("alice", timezone="Europe/Berlin")
        done = self.depart("alice", "2031-12-31")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("alice leaves at 2031-12-31", done.stdout)
        self.assertEqual(self.w.must("--json", "owner", "departure", "alice")
                         .json()["instant"], "2031-12-31T23:00:00Z")
        done = self.depart("alice")
        self.assertEqual((done.returncode, done.stdout),
                         (0, "alice has left\n"), done.stderr)
        self.assertEqual(self.state("alice"), "DEPARTED")
        # Somebody never heard of: he gets no key later.
        self.assertEqual(self.depart('zo"e').returncode, 0)
        self.assertEqual(self.depart("mallory").returncode, 0)
        self.assertEqual(self.w.warder("owner", "create", "mallory").code, 5)
        refused = self.depart("alice", "soon")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("employmentEndTime", refused.stderr)
        self.assertEqual(self.depart().returncode, 2)
        self.scim.token = "wrong"
        self.assertIn("401", self.depart("bob").stderr)
        self.assertIn("does not answer", self.depart(
            "bob", WARDER_HR_URL="https://127.0.0.1:1/scim/v2").stderr)

    def test_the_nightly_roster(self):
        self.w.certify("hr", "roster")
        roster = os.path.join(self.w.dir, "roster.csv")
        with open(roster, "w") as out:
            out.write("user_name,status\nbob,active\nalice,terminated\n")
        with open(os.path.join(HOOK, "warder-roster.service")) as file:
            unit = file.read()
        # As systemd does it: copies that the unit's user alone can read.
        handed = os.path.join(self.w.dir, "credentials")
        os.mkdir(handed)
        for name, path in re.findall(r"^LoadCredential=(.*):(.*)$", unit, re.M):
            shutil.copy(os.path.join(self.w.dir, os.path.basename(path)),
                        os.path.join(handed, name))
        settings = {name: value.replace("%d", handed) for name, value in
                    re.findall(r"^Environment=(\w+)=(.*)$", unit, re.M)}
        settings["WARDER_ADDRESS"] = f"127.0.0.1:{self.w.grpc}"
        [command] = re.findall(r"^ExecStart=(.*)$", unit, re.M)
        words = [word.replace("%d", handed).replace("${ZONE}", settings["ZONE"])
                 for word in shlex.split(command)]
        self.assertEqual(words[0], "/usr/local/bin/warder")
        done = subprocess.run([WARDER, *words[1:]], capture_output=True,
                              text=True, env={**os.environ, **settings})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.state("alice"), "DEPARTED")

    def test_systemd_takes_the_units(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        for unit in ("warder-roster.service", "warder-roster.timer"):
            with open(os.path.join(HOOK, unit)) as file, \
                    open(os.path.join(self.w.dir, unit), "w") as out:
                out.write(file.read().replace("/usr/local/bin/warder", WARDER))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no",
             os.path.join(self.w.dir, "warder-roster.timer"),
             os.path.join(self.w.dir, "warder-roster.service")],
            capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_workflow_step(self):
        self.scim.create("alice")
        self.run_workflow("alice")
        self.assertEqual(self.state("alice"), "DEPARTED")
        self.run_workflow("bob")  # nobody has heard of him
        self.assertEqual(self.state("bob"), "DEPARTED")

    def run_workflow(self, user_name):
        with open(os.path.join(HOOK, "workflow-step.json")) as file:
            steps = json.load(file)["steps"]
        variables = {"url": self.url, "token": self.scim.token,
                     "user_name": user_name}

        def fill(text):
            return re.sub(r"\{\{(\w+)\}\}", lambda m: variables[m[1]], text)
        for step in steps:
            known = "id" in variables
            if step.get("when", "") == ("{{id}} is not there" if known
                                        else "{{id}} is there"):
                continue
            body = step.get("body")
            request = urllib.request.Request(
                fill(step["url"]), method=step["method"],
                data=None if body is None else
                fill(json.dumps(body)).encode(),
                headers={k: fill(v) for k, v in step["headers"].items()})
            with urllib.request.urlopen(
                    request, timeout=10, context=ssl.create_default_context(
                        cafile=self.authority)) as answer:
                self.assertEqual(answer.status, step["expect"])
                seen = json.load(answer)
            for name, pointer in step.get("set", {}).items():
                value = seen
                try:
                    for part in pointer.strip("/").split("/"):
                        value = value[int(part) if part.isdigit() else part]
                    variables[name] = value
                except (IndexError, KeyError):
                    pass


if __name__ == "__main__":
    unittest.main()
