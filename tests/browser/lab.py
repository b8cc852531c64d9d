# SPDX-License-Identifier: GPL-3.0-or-later
"""A P-CSCF with its admin endpoint and user agents on loopback addresses of this run alone.

Happy path: everything that is started says that it is ready, and is ended by close().
Failure: what is not ready in time raises TimeoutError; close() ends the rest by force.
"""

import os
import re
import selectors
import socket
import subprocess
import threading
import time

PATIENCE = 20  # seconds until something is ready


class Lab:
    def __init__(self, build, out, token="", side=0):
        """side: 1 for a second one beside the first."""
        net = "127.%d.%d" % (16 + os.getpid() // 250 % 100 + 100 * side, 1 + os.getpid() % 250)
        self.build, self.out = build, out
        self.access, self.core = net + ".1:15060", net + ".1:15070"
        self.ue, self.peer = net + ".2:15062", net + ".3:15080"
        self.crowd_ue, self.crowd_peer = (net + ".4", 15064), (net + ".5", 15090)
        self.admin = "127.0.0.1:%d" % free_port()
        self.base = "http://" + self.admin
        self.agents = []  # everything that was started; the first is the P-CSCF
        os.makedirs(out, exist_ok=True)
        config = os.path.join(out, "pcscf.yaml")
        with open(config, "w", encoding="ascii") as file:
            file.write('access: {listen: ["%s"], media: ["%s.1"]}\n'
                       'core: {listen: ["%s"], media: ["%s.1"], next_hop: "%s"}\n'
                       "ues: [{user: alice, contact: \"%s\"}, {user: crowd, contact: \"%s:%d\"}]\n"
                       'admin: {listen: "%s", token: "%s"}\n'
                       % (self.access, net, self.core, net, self.peer, self.ue, *self.crowd_ue,
                          self.admin, token))
        self.pcscf = self.start("pcscf", ["--config", config], r" ready$")

    def start(self, name, arguments, ready):
        """A program of ours, once a line of its log says that it is ready."""
        path = os.path.join(self.out, "%s-%d.log" % (name, len(self.agents)))
        with open(path, "wb") as log:
            process = subprocess.Popen([os.path.join(self.build, name), *arguments], stdout=log,
                                       stderr=log, stdin=subprocess.DEVNULL)
        self.agents.append(process)
        until = time.monotonic() + PATIENCE
        while ready is not None:
            with open(path, encoding="utf-8", errors="replace") as log:
                if re.search(ready, log.read(), re.M):
                    break
            if process.poll() is not None or time.monotonic() > until:
                raise TimeoutError(name + " is not ready: see " + path)
            time.sleep(0.01)
        return process

    def call(self, caller, callee):
        """A call from the UE to the core; answers the two user agents."""
        answering = self.start("e2ae-ua", ["--side", "core", "--listen", self.peer, "--identity",
                                           "sip:bob@example.net", "--answer", *callee], r"^ready")
        calling = self.start("e2ae-ua", ["--side", "ue", "--listen", self.ue, "--proxy",
                                         self.access, "--identity", "sip:alice@example.net",
                                         "--call", "sip:bob@" + self.peer, *caller], None)
        return calling, answering

    def end_agents(self):
        """What a case has left running."""
        for agent in self.agents[1:]:
            if agent.poll() is None:
                agent.terminate()
                agent.wait(PATIENCE)

    def close(self):
        for process in reversed(self.agents):
            if process.poll() is None:
                process.terminate()
        for process in self.agents:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Crowd:
    """Calls without media towards UEs that let them ring, until hang_up()."""

    def __init__(self, lab):
        self.ringing = []  # answers to be sent once more, as 486
        self.selector = selectors.DefaultSelector()
        self.caller, self.callee = udp(lab.crowd_peer), udp(lab.crowd_ue)
        host, port = lab.core.split(":")
        self.proxy = (host, int(port))
        self.done = False
        self.thread = threading.Thread(target=self.serve)
        for one in (self.caller, self.callee):
            self.selector.register(one, selectors.EVENT_READ)
        self.thread.start()

    def invite(self, count):
        """Until all ring: what a full queue of the kernel swallowed is sent again."""
        host, port = self.caller.getsockname()
        until = time.monotonic() + PATIENCE
        missing = list(range(count))
        while missing:
            if time.monotonic() > until:
                raise TimeoutError("%d calls do not ring" % len(missing))
            for sent, number in enumerate(missing):
                self.caller.sendto(
                    ("INVITE sip:crowd@example.net SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP %s:%d;branch=z9hG4bKcrowd%d\r\n"
                     "From: <sip:caller%d@example.net>;tag=c%d\r\nTo: <sip:crowd@example.net>\r\n"
                     "Call-ID: crowd%d@example.net\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
                     "Contact: <sip:%s:%d>\r\nContent-Length: 0\r\n\r\n"
                     % (host, port, number, number, number, number, host, port)).encode(),
                    self.proxy)
                if sent % 20 == 19:
                    time.sleep(0.005)
            time.sleep(0.2)
            here = {int(re.search(r"crowd(\d+)@", text)[1]) for text, _ in list(self.ringing)}
            missing = [number for number in missing if number not in here]

    def serve(self):
        while not self.done:
            for key, _ in self.selector.select(0.05):
                data, source = key.fileobj.recvfrom(65536)
                text = data.decode("utf-8", "replace")
                if key.fileobj is self.callee and text.startswith("INVITE "):
                    self.ring(text, source)
                elif key.fileobj is self.callee and text.startswith("CANCEL "):
                    self.callee.sendto(answer(text, "200 OK"), source)

    def ring(self, text, source):
        self.ringing.append((text, source))
        self.callee.sendto(answer(text, "180 Ringing"), source)

    def hang_up(self):
        for number, (text, source) in enumerate(self.ringing):
            self.callee.sendto(answer(text, "486 Busy Here"), source)
            if number % 20 == 19:
                time.sleep(0.005)

    def close(self):
        self.done = True
        self.thread.join()
        self.selector.close()
        self.caller.close()
        self.callee.close()


def answer(request, status):
    copied = [line for line in request.split("\r\n\r\n")[0].split("\r\n")[1:]
              if re.match(r"(?i)(via|v|from|f|to|t|call-id|i|cseq|record-route)\s*:", line)]
    copied = [re.sub(r"(?i)^((?:to|t)\s*:.*)", r"\1;tag=u", line) for line in copied]
    return ("SIP/2.0 " + status + "\r\n" + "\r\n".join(copied) +
            "\r\nContact: <sip:crowd@127.0.0.1>\r\nContent-Length: 0\r\n\r\n").encode()


def udp(address):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    one.bind(address)
    return one


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
