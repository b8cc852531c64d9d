// SPDX-License-Identifier: GPL-3.0-or-later
// What a chart and the panel beside it can do: choose an event by mouse or keyboard, and show all
// of it. The viewer uses this, and so does a page that holds one session (its end starts it).
// Text of strangers goes into the page as text, never as markup.
"use strict";

const Chart = (() => {
  const PARTIES = { ue: "IMS UE", alg: "IMS-ALG", agw: "IMS-AGW", core: "IMS core network" };
  const KINDS = {
    sip: "SIP message", sdp_edit: "Edit by the IMS-ALG", iq: "Iq procedure",
    action: "Action", bearer: "Bearer", media: "Media", drop: "Refused or dropped", note: "Note",
  };

  // An element with a class and children; strings become text.
  function make(name, look, ...children) {
    const element = document.createElement(name);
    if (look) element.className = look;
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  function section(title, ...children) {
    return make("section", "", make("h3", "", title), ...children);
  }

  function timeText(us) {
    return us >= 100e6 ? (us / 1e6).toFixed(1) + " s" : (us / 1e3).toFixed(1) + " ms";
  }

  // "Name: value" lines as a table; a line without a value stands for itself.
  function facts(text) {
    const list = make("dl", "facts");
    for (const line of text.split("\n").filter((one) => one !== "")) {
      const colon = line.indexOf(": ");
      list.append(make("dt", "", colon < 0 ? line : line.slice(0, colon)),
        make("dd", "", colon < 0 ? "\u2713" : line.slice(colon + 2)));
    }
    return list;
  }

  // A SIP message: names of header fields stand out, and the body begins anew.
  function message(text) {
    const pre = make("pre", "code");
    let head = true;
    for (const [number, line] of text.replace(/\r/g, "").split("\n").entries()) {
      const name = head && number > 0 ? /^[A-Za-z0-9-]+(?=\s*:)/.exec(line) : null;
      if (head && number > 0 && line === "") head = false;
      if (number === 0) pre.append(make("b", "", line));
      else if (name) pre.append(make("span", "name", name[0]), line.slice(name[0].length));
      else pre.append(line);
      pre.append("\n");
    }
    return pre;
  }

  // One side of an edit; what differs from the other side is marked.
  function side(text, other) {
    if (text === null) return make("code", "none", "\u2013");
    if (other === null) return make("code", "", make("mark", "", text));
    const words = text.split(/(?<=[ =:])/), others = other.split(/(?<=[ =:])/);
    const least = Math.min(words.length, others.length);
    let from = 0, until = 0;
    while (from < least && words[from] === others[from]) from++;
    while (until < least - from && words.at(-1 - until) === others.at(-1 - until)) until++;
    const part = (first, last) => words.slice(first, last).join("");
    return make("code", "", part(0, from), make("mark", "", part(from, words.length - until)),
      part(words.length - until));
  }

  // The edits that stand together with this one, side by side.
  function edits(event, all) {
    let first = event.index, last = event.index;
    const same = (other) => other && other.kind === "sdp_edit" && other.label === event.label;
    while (same(all[first - 1])) first--;
    while (same(all[last + 1])) last++;
    const body = make("tbody", "");
    for (const one of all.slice(first, last + 1)) {
      const row = make("tr", one.index === event.index ? "this" : "",
        make("td", "old", side(one.old, one.new)), make("td", "new", side(one.new, one.old)),
        make("td", "clause", one.clause || ""));
      body.append(row);
    }
    const head = make("tr", "");
    for (const title of ["before", "after", "clause"]) {
      const cell = make("th", "", title);
      cell.scope = "col";
      head.append(cell);
    }
    return make("table", "edits", make("thead", "", head), body);
  }

  // "server, DTLS1.2, SUITE, SHA-256 4A:AD.. matched"
  function secured(detail) {
    const parts = detail.split("\n")[0].split(", ");
    if (parts.length < 3 || !/^(server|client)$/.test(parts[0])) return null;
    const fingerprint = parts.slice(2).find((part) => part.endsWith("matched"));
    const suite = parts.slice(2).find((part) => part !== fingerprint);
    return facts(["Role of the AGW: " + parts[0], "Version: " + parts[1],
      suite ? "Suite: " + suite : "", fingerprint ? "Fingerprint: " + fingerprint : ""].join("\n"));
  }

  function body(event, all) {
    const detail = event.detail || "";
    if (event.kind === "sdp_edit") return [edits(event, all)];
    if (event.kind === "iq") return [
      event.elements ? section("Information elements", facts(event.elements)) : null,
      event.h248 ? section("As H.248", make("pre", "code", event.h248)) : null,
    ];
    if (event.message) return [message(event.message)];
    if (event.kind === "bearer" && secured(detail)) return [secured(detail)];
    return detail ? [make("pre", event.kind === "sip" ? "code" : "text", detail)] : [];
  }

  // All of an event. explain(name), if there is one, tells what a reason means: a promise of
  // {label, text, clause, status}.
  function describe(event, all, explain) {
    const way = event.from === event.to ? PARTIES[event.from]
      : PARTIES[event.from] + " \u2192 " + PARTIES[event.to];
    const out = make("article", "event " + event.kind,
      make("p", "kind", event.step ? make("span", "badge", String(event.step)) : null,
        KINDS[event.kind]),
      make("h2", "", event.label || KINDS[event.kind]),
      make("p", "way", way + ", " + timeText(event.time_us - all[0].time_us)),
      event.clause ? make("p", "clause", event.clause) : null,
      ...body(event, all));
    if (event.reason && explain) {
      const place = section("Reason", make("code", "", event.reason));
      out.append(place);
      explain(event.reason).then((reason) => place.append(
        (event.detail || "").includes(reason.text) ? "" : make("p", "", reason.text + "."),
        facts(["Counted: " + reason.count, reason.status ? "SIP status: " + reason.status : "",
          reason.clause ? "Clause: " + reason.clause : ""].join("\n"))), () => {});
    }
    return out;
  }

  // Makes the events of a picture things to choose. choose(index) is told; index -1: none.
  function attach(svg, current, choose) {
    const events = [...svg.querySelectorAll(".event")];
    events.forEach((event, index) => {
      event.setAttribute("role", "button");
      event.setAttribute("tabindex", index === Math.max(current, 0) ? "0" : "-1");
      event.setAttribute("aria-label", event.querySelector("title").textContent + ", " +
        event.querySelector("desc").textContent);
      if (index === current) event.setAttribute("aria-current", "true");
    });
    function focus(index) {
      const to = events[Math.max(0, Math.min(events.length - 1, index))];
      events.forEach((event) => event.setAttribute("tabindex", event === to ? "0" : "-1"));
      to.focus({ preventScroll: true });
      to.scrollIntoView({ block: "nearest" });
    }
    function mark(index) {
      events.forEach((event, at) => {
        if (at === index) event.setAttribute("aria-current", "true");
        else event.removeAttribute("aria-current");
      });
      choose(index);
    }
    svg.addEventListener("click", (click) => {
      const index = events.indexOf(click.target.closest(".event"));
      if (index < 0) return;
      focus(index);
      mark(index);
    });
    svg.addEventListener("keydown", (key) => {
      const index = events.indexOf(key.target.closest(".event"));
      const moves = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: events.length - 1 };
      if (key.key in moves) focus(moves[key.key]);
      else if (key.key === "Enter" || key.key === " ") mark(index);
      else if (key.key === "Escape") mark(-1);
      else return;
      key.preventDefault();
      key.stopPropagation();
    });
  }

  return { make, facts, describe, attach, timeText };
})();

// A page of one session.
if (document.getElementById("events")) {
  const session = JSON.parse(document.getElementById("events").textContent);
  const panel = document.getElementById("panel");
  const hint = Chart.make("p", "hint", "Choose an event: click, or Tab, arrow keys and Enter.");
  panel.append(hint);
  Chart.attach(document.querySelector("svg.chart"), -1, (index) =>
    panel.replaceChildren(index < 0 ? hint
      : Chart.describe(session.events[index], session.events, null)));
}
