# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium, driven over a pair of pipes by its DevTools protocol.

Happy path: a browser with a profile of its own starts; a page is opened, asked questions in
JavaScript, given keys and clicks, and photographed. Everything it says on its console and every
address it asks is kept.
Failure: what does not come true in time raises TimeoutError with what was waited for; a script
that throws raises RuntimeError.
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = 15  # seconds; a page needs far less than one
LOOK = 0.01    # seconds between two looks at something awaited


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="pcscf-browser-")
        self.number = 0
        self.buffer = b""
        self.said = []   # texts of errors and exceptions
        self.asked = []  # addresses
        self.passwords = None  # what is typed when a page wants one, the next first; then Cancel
        read, to_browser = os.pipe()
        from_browser, write = os.pipe()
        self.write, self.read = to_browser, from_browser
        arguments = ["--headless", "--remote-debugging-pipe", "--user-data-dir=" + self.profile,
                     "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync",
                     "--disable-background-networking", "--disable-component-update",
                     "--window-size=1280,860", "about:blank"]
        if os.getuid() == 0:
            arguments.insert(0, "--no-sandbox")  # it refuses to run as root with one
        # The protocol wants descriptors 3 and 4: a shell puts the pipes there.
        shell = 'exec "$0" "$@" 3<&%d 4>&%d' % (read, write)
        self.process = subprocess.Popen(["sh", "-c", shell, "chromium", *arguments],
                                        pass_fds=(read, write), process_group=0,
                                        stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, TimeoutError):
            self.process.kill()
        self.process.wait(PATIENCE)
        self.end_helpers()
        os.close(self.write)
        os.close(self.read)
        shutil.rmtree(self.profile, ignore_errors=True)

    def end_helpers(self):
        """The browser's own helper processes may outlive it for a moment."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            time.sleep(0.02)

    # --- the protocol: JSON with a zero behind it ---------------------------------------------

    def messages(self, seconds):
        """What has come, after waiting for it at most so long."""
        if select.select([self.read], [], [], seconds)[0]:
            more = os.read(self.read, 1 << 20)
            if not more:
                raise OSError("the browser has gone")
            self.buffer += more
        *whole, self.buffer = self.buffer.split(b"\0")
        return [json.loads(one) for one in whole]

    def note(self, message):
        """Keeps what a page says and asks."""
        what, params = message.get("method"), message.get("params", {})
        if what == "Runtime.exceptionThrown":
            self.said.append(json.dumps(params["exceptionDetails"])[:600])
        elif what == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.said.append(json.dumps(params["args"])[:600])
        elif what == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.said.append(params["entry"]["text"])
        elif what == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif what == "Fetch.requestPaused":
            self.tell("Fetch.continueRequest", requestId=params["requestId"])
        elif what == "Fetch.authRequired":
            self.tell("Fetch.continueWithAuth", requestId=params["requestId"],
                      authChallengeResponse=self.next_password())

    def next_password(self):
        if not self.passwords:
            return {"response": "CancelAuth"}
        return {"response": "ProvideCredentials", "username": "anybody",
                "password": self.passwords.pop(0)}

    def tell(self, method, **params):
        """Asks for something without waiting for the answer; gives its number."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        return self.number

    def call(self, method, **params):
        number = self.tell(method, **params)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = None
            for one in self.messages(0.1):
                if one.get("id") == number:
                    answer = one
                else:
                    self.note(one)
            if answer is not None:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]
        raise TimeoutError(method)

    # --- a page -------------------------------------------------------------------------------

    def type_passwords(self, passwords):
        """From now on these are typed where one is wanted; None: nobody is asked any more."""
        self.passwords = passwords
        if passwords is None:
            self.call("Fetch.disable")
        else:
            self.call("Fetch.enable", handleAuthRequests=True)

    def open(self, address):
        self.call("Page.navigate", url=address)

    def run(self, script):
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(script + ": " + json.dumps(result["exceptionDetails"])[:400])
        return result["result"].get("value")

    def wait(self, script, seconds=PATIENCE):
        """Waits until an expression is true; answers its value."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                value = self.run(script)
            except RuntimeError:
                value = None  # the page is not that far
            if value or value == {}:  # an element has no value of its own
                return value
            time.sleep(LOOK)
        raise TimeoutError(script)

    def key(self, name, text=None):
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "Tab": 9, "End": 35}
        params = {"key": name, "code": name, "windowsVirtualKeyCode": codes[name]}
        if text is not None:
            params["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown", **params)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=name,
                  windowsVirtualKeyCode=codes[name])

    def click(self, selector):
        """With the mouse, in the middle of what is seen of it."""
        x, y = self.run("""(() => { const e = document.querySelector(%s);
            e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2]; })()""" % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def look(self, width, height, scheme="light", media=""):
        """The size of the window, and how its reader likes it."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def photograph(self, path):
        shot = self.call("Page.captureScreenshot", format="png")
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def download_into(self, folder):
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
