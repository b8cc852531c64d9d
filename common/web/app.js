// SPDX-License-Identifier: GPL-3.0-or-later
// The viewer: what the admin endpoint says, in three views. The place after '#' says which.
//   #/             sessions, live and recent
//   #/regs         registrations
//   #/calls/ID     one session, as a chart that grows while it runs
// The picture of a chart comes from the endpoint; a new event makes it come again.
// Text of strangers goes into the page as text, never as markup.
"use strict";

(() => {
  const { make, facts, describe, attach } = Chart;
  const $ = (id) => document.getElementById(id);
  const STATUS_MS = 1000;    // how often the head and the streams of a session are asked for
  const LIST_MS = 5000;      // the list, when nothing began or ended meanwhile
  const SETTLE_MS = 40;      // events that come together become one new picture
  const PAGE = 100;          // entries of a list in one answer
  const LIST_MAX = 1000;     // of all its answers together
  const ROW = 34;            // height of a row, as in style.css
  const SPARE = 8;           // rows drawn beyond both ends of what is seen
  // The first element of a picture; the policy of this page allows chart.css alone, which is the same.
  const STYLE = /<style>[^]*?<\/style>/;
  const KINDS = { udptl: "fax", msrp: "MSRP", bfcp: "BFCP", rtp: "RTP", other: "other" };

  let view = null;           // of the present place: {close()}
  let show = {};             // the last answer of /show

  // --- the endpoint -------------------------------------------------------------------------

  // Where a token is wanted, the browser itself asks for it, as a password.
  async function request(path, options) {
    const answer = await fetch("/api/v1/" + path, options);
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({ error: answer.statusText }));
      throw Object.assign(new Error(said.error), { status: answer.status });
    }
    return answer;
  }

  const json = async (path, options) => (await request(path, options)).json();

  // A list in pages: while it is asked for it may move, and an entry comes twice.
  async function whole(path, member) {
    const list = new Map();
    let total = 0;
    for (let offset = 0; offset < LIST_MAX; offset += PAGE) {
      const answer = await json(path + "limit=" + PAGE + "&offset=" + offset);
      for (const one of answer[member] || []) list.set(one.id || one, one);
      total = answer.total;
      if (offset + PAGE >= total) break;
    }
    return { list: [...list.values()], total };
  }

  function trouble(error) {
    $("trouble").hidden = !error;
    $("trouble").textContent = error ? error.message : "";
  }

  // --- small things -------------------------------------------------------------------------

  function lasts(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    const two = (n) => String(n).padStart(2, "0");
    return (s >= 3600 ? Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60)
      : Math.floor(s / 60)) + ":" + two(s % 60);
  }

  const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
  const count = (n) => Number(n).toLocaleString("en");
  const some = (n, what) => count(n) + " " + what + (n === 1 ? "" : "s");
  const isLive = (call) => call.state !== "ended" && !call.ended;

  // "alice@example.net" of a name-addr.
  function who(text) {
    const uri = /<([^>]*)>/.exec(text || "");
    return (uri ? uri[1] : text || "").replace(/^(sips?|tel):/, "").split(";")[0];
  }

  function mediaTags(call) {
    return (call.media || []).map((medium) => {
      const tag = make("span", "tag" + (medium.e2ae ? " e2ae" : "") +
        (medium.dead || medium.rejected ? " dead" : ""),
        (KINDS[medium.kind] || medium.kind) + (medium.e2ae ? " e2ae" : ""));
      tag.title = medium.rejected || medium.treatment;
      return tag;
    });
  }

  function dotLook(call) {
    return "dot" + (isLive(call) ? " live" : call.reason ? " failed" : "");
  }

  // --- sessions -----------------------------------------------------------------------------

  function sessionRow(call) {
    const line = make("a", "row", ...Array.from({ length: 7 }, () => make("span", "")));
    for (const cell of line.children) cell.setAttribute("role", "cell");
    line.href = "#/calls/" + call.id;
    line.setAttribute("role", "row");
    return line;
  }

  function setCell(cell, text, look) {
    if (cell.textContent !== text) cell.textContent = text;
    if (cell.className !== look) cell.className = look;
  }

  function fillRow(line, call, index) {
    const [state, began, from, to, media, duration, reason] = line.children;
    setCell(state, call.state, dotLook(call));
    setCell(began, clock(call.started), "");
    setCell(from, who(call.from), "");
    setCell(to, who(call.to), "");
    setCell(duration, lasts(call.duration_s), "number");
    setCell(reason, call.reason || "", "failed-text");
    const tags = mediaTags(call);
    if (tags.map((tag) => tag.outerHTML).join("") !== media.innerHTML)
      media.replaceChildren(...tags);
    line.setAttribute("aria-rowindex", index + 2);
    line.dataset.index = index;
    line.title = call.from + " \u2192 " + call.to;
    line.style.top = index * ROW + "px";
  }

  // Only the rows that are seen are in the page: the list may hold a thousand.
  function rowsIn(rows, space) {
    let lines = new Map(); // of the rows in the page, by id
    let shown = [];

    // A row that is there already stays the same element: nobody's click or focus is lost.
    function draw() {
      const seen = Math.ceil(rows.clientHeight / ROW) + 2 * SPARE;
      const first = Math.max(0, Math.min(Math.floor(rows.scrollTop / ROW) - SPARE,
        shown.length - seen));
      const part = shown.slice(first, first + seen);
      const kept = new Map(part.map((call) => [call.id, lines.get(call.id) || sessionRow(call)]));
      for (const [id, line] of lines) if (!kept.has(id)) line.remove();
      let at = space.firstChild;
      part.forEach((call, i) => {
        const line = kept.get(call.id);
        fillRow(line, call, first + i);
        if (line === at) at = at.nextSibling;
        else space.insertBefore(line, at);
      });
      lines = kept;
    }

    function move(key) {
      const index = Number(document.activeElement.dataset.index);
      const page = Math.floor(rows.clientHeight / ROW);
      const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page,
        PageUp: index - page, Home: 0, End: shown.length - 1 }[key.key];
      if (to === undefined || Number.isNaN(index)) return;
      key.preventDefault();
      const at = Math.max(0, Math.min(shown.length - 1, to));
      if (at * ROW < rows.scrollTop) rows.scrollTop = at * ROW;
      else if ((at + 1) * ROW > rows.scrollTop + rows.clientHeight)
        rows.scrollTop = (at + 1) * ROW - rows.clientHeight;
      draw();
      const line = space.querySelector('[data-index="' + at + '"]');
      if (line) line.focus({ preventScroll: true });
    }

    function put(list) {
      shown = list;
      space.style.height = shown.length * ROW + "px";
      draw();
    }
    return { draw, move, put };
  }

  function sessionsView() {
    const rows = $("rows"), space = make("div", "space"), empty = make("p", "empty");
    const seen = rowsIn(rows, space);
    let all = [], total = 0, closed = false, timer = 0, last = 0, known = "";

    function sift() {
      const words = $("filter").value.toLowerCase().split(/\s+/).filter((word) => word);
      const text = (call) => [call.id, call.call_id, call.from, call.to, call.state, call.reason,
        call.direction, call.figure, ...(call.media || []).flatMap((medium) =>
          [medium.kind, KINDS[medium.kind], medium.treatment, medium.rejected])]
        .join(" ").toLowerCase();
      const shown = words.length === 0 ? all
        : all.filter((call) => words.every((word) => text(call).includes(word)));
      $("calls-table").setAttribute("aria-rowcount", shown.length + 1);
      $("count").textContent = (shown.length === total ? "" : count(shown.length) + " of ") +
        some(total, "session");
      empty.hidden = shown.length > 0;
      empty.textContent = all.length ? "No session fits the filter." : "No sessions yet.";
      seen.put(shown);
    }

    async function load() {
      last = performance.now();
      const answer = await whole("calls?state=" + $("which").value + "&", "calls");
      if (closed) return;
      all = answer.list;
      total = answer.total;
      sift();
    }

    async function turn() {
      try {
        const now = [show.sessions, show.sessions_total].join();
        if (now !== known || performance.now() - last > LIST_MS) await load();
        known = now;
        trouble(null);
      } catch (error) {
        trouble(error);
      }
      if (!closed) timer = setTimeout(turn, STATUS_MS / 2);
    }

    rows.replaceChildren(empty, space);
    const listeners = [[rows, "scroll", seen.draw], [rows, "keydown", seen.move],
      [window, "resize", seen.draw], [$("filter"), "input", sift],
      [$("which"), "change", () => load().catch(trouble)]];
    for (const [target, name, handle] of listeners) target.addEventListener(name, handle);
    turn();
    return {
      close() {
        closed = true;
        clearTimeout(timer);
        for (const [target, name, handle] of listeners) target.removeEventListener(name, handle);
      },
    };
  }

  // --- registrations ------------------------------------------------------------------------

  function plain(value) {
    if (value === null || value === undefined) return "";
    if (Array.isArray(value)) return value.map(plain).join(", ");
    if (typeof value === "object")
      return Object.entries(value).map(([name, one]) => name + " " + plain(one)).join(", ");
    return String(value);
  }

  // What a table shows of a registration; the rest is opened below it.
  const COLUMNS = { identity: "Identity", contact: "Contact", state: "State", flow: "Flow",
    mediasec: "Media security", expires_s: "Expires in" };
  const OTHERS = { impi: "Private identity", reg_id: "reg-id", sec_agree: "Security agreement" };

  function column(registration, name) {
    const value = registration[name];
    if (name === "identity" || name === "contact") return who(value);
    if (name === "expires_s") return lasts(value);
    if (name === "flow" && value)
      return value.transport + " " + value.remote + (value.lost ? ", lost" : "");
    return plain(value);
  }

  function registrationRow(registration) {
    // What is not there is not worth a line.
    const rest = Object.entries(registration).filter(([name, value]) =>
      !(name in COLUMNS) && value && plain(value) && name !== "id");
    const title = (name) => OTHERS[name] || name[0].toUpperCase() + name.slice(1).replace(/_/g, " ");
    const more = make("details", "", make("summary", "", "more"), facts(rest.map(([name, value]) =>
      title(name) + ": " + (value === true ? "yes" : plain(value))).join("\n")));
    return make("tr", "", ...Object.keys(COLUMNS).map((name) =>
      make("td", "", column(registration, name))), make("td", "", more));
  }

  function registrationsView() {
    let closed = false, timer = 0, known = "";

    // Only the time that is left changes all the time: what was opened stays open.
    async function turn() {
      try {
        const { list, total } = await whole("regs?", "registrations");
        if (closed) return;
        const now = JSON.stringify(list.map((one) => ({ ...one, expires_s: 0 })));
        if (now !== known) $("regs-rows").replaceChildren(...list.map(registrationRow));
        else list.forEach((one, i) => {
          $("regs-rows").children[i].children[5].textContent = lasts(one.expires_s);
        });
        known = now;
        $("regs-count").textContent = some(total, "registration");
        trouble(null);
      } catch (error) {
        trouble(error);
      }
      if (!closed) timer = setTimeout(turn, STATUS_MS);
    }
    $("regs-names").replaceChildren(...[...Object.values(COLUMNS), ""].map((title) =>
      make("th", "", title)));
    turn();
    return {
      close() {
        closed = true;
        clearTimeout(timer);
      },
    };
  }

  // --- one session --------------------------------------------------------------------------

  // Both ends of a stream, in two columns.
  function ends(stream) {
    const lines = [["transport", "transport"], ["local", "local"], ["remote", "remote"],
      ["latched onto", "latched"], ["packets from", "packets"], ["bytes from", "bytes"]];
    const value = (one) => typeof one === "number" ? count(one) : one || "\u2013";
    return make("table", "",
      make("thead", "", make("tr", "", make("th", ""), make("th", "", "access (UE)"),
        make("th", "", "core"))),
      make("tbody", "", ...lines.map(([title, name]) => make("tr", "", make("th", "", title),
        make("td", "", value(stream.access[name])), make("td", "", value(stream.core[name]))))));
  }

  // A fingerprint of the UE, and whether it is the one its certificate has.
  function secured(dtls) {
    const lines = ["State: " + dtls.state];
    for (const [title, name] of [["Role of the AGW", "role"], ["Version", "version"],
      ["Suite", "suite"], ["Failure", "failure"]])
      if (dtls[name]) lines.push(title + ": " + dtls[name]);
    for (const one of dtls.local_fingerprints || []) lines.push("Fingerprint of the AGW: " + one);
    for (const one of dtls.remote_fingerprints || [])
      lines.push("Fingerprint of the UE: " + one + (one === dtls.matched ? " \u2713 matched" : ""));
    return facts(lines.join("\n"));
  }

  function streamCard(stream) {
    const rest = ["Dropped: " + count(stream.drops)];
    for (const [name, title] of [["lost", "Lost"], ["jitter_ms", "Jitter (ms)"]])
      if (stream[name] !== undefined) rest.push(title + ": " + plain(stream[name]));
    if (stream.silent_s) rest.push("Silent for: " + stream.silent_s.toFixed(1) + " s");
    return make("div", "stream", make("h3", "", "Stream " + stream.stream + ": " +
      (KINDS[stream.kind] || stream.kind) + (stream.e2ae ? ", e2ae" : "")),
      ends(stream), facts(rest.join("\n")), 
      stream.dtls ? make("section", "", make("h3", "", "(D)TLS towards the UE"),
        secured(stream.dtls)) : null);
  }

  function overview(call) {
    const lines = ["State: " + call.state, "Began: " + clock(call.started),
      "Duration: " + lasts(call.duration_s), "From: " + call.from, "To: " + call.to,
      "Call-ID: " + call.call_id,
      "Direction: " + (call.direction === "orig" ? "from the UE" : "to the UE")];
    if (call.reason) lines.push("Ended by: " + call.reason);
    return make("article", "", make("h2", "", call.title || "Session " + call.id),
      facts(lines.join("\n")),
      make("section", "", ...(call.streams || []).map(streamCard)),
      make("p", "hint", "Choose an event of the chart to see all of it: click, or Tab, arrow keys " +
        "and Enter; Escape leads back."));
  }

  // What makes an event the same in two pictures: others may come in before it.
  const identity = (event) => [event.time_us, event.kind, event.key, event.label].join("|");

  // The picture of a session and its events. choose(event, events) is told what was chosen; null:
  // nothing is any more.
  function chartOf(id, choose) {
    let events = [], next = 0, chosen = null; // what is drawn
    let drawing = null, again = false, closed = false;

    function chosenAt(index) {
      chosen = index < 0 ? null : identity(events[index]);
      choose(index < 0 ? null : events[index], events);
    }

    async function fetchPicture() {
      const [list, answer] = await Promise.all([json("calls/" + id + "/events"),
        request("calls/" + id + "/chart?format=svg")]);
      return [list, new DOMParser().parseFromString(
        (await answer.text()).replace(STYLE, ""), "image/svg+xml")];
    }

    // Puts the new picture in the place of the old one: what was chosen and where the focus was
    // stays, and who looked at the end goes on looking at the end.
    function put(list, picture) {
      const box = $("chart"), svg = document.adoptNode(picture.documentElement);
      const old = box.querySelector("svg"), had = old && old.contains(document.activeElement);
      const focused = had ? identity(events[Number(document.activeElement.id.slice(1))]) : null;
      const atEnd = !old || box.scrollTop + box.clientHeight > box.scrollHeight - 60;
      events = list.events;
      next = list.next;
      attach(svg, events.findIndex((event) => identity(event) === chosen), chosenAt);
      box.replaceChildren(svg);
      box.dataset.events = events.length;
      box.dataset.newest = events.length ? events[events.length - 1].time_us : 0;
      const back = focused ? events.findIndex((event) => identity(event) === focused) : -1;
      if (back >= 0) svg.querySelector("#e" + back).focus({ preventScroll: true });
      if (old && atEnd && list.live) box.scrollTop = box.scrollHeight;
    }

    // At most one at a time; what came meanwhile is drawn after it.
    function draw() {
      if (drawing) {
        again = true;
        return drawing;
      }
      drawing = (async () => {
        do {
          await new Promise((done) => setTimeout(done, SETTLE_MS));
          again = false;
          const [list, picture] = await fetchPicture();
          if (closed) return;
          put(list, picture);
        } while (again);
        trouble(null);
      })().catch(trouble).finally(() => { drawing = null; });
      return drawing;
    }
    $("chart").replaceChildren();
    return { draw, nothing: () => chosenAt(-1), next: () => next, isChosen: () => chosen !== null,
      close: () => { closed = true; } };
  }

  async function save(id) {
    const format = $("save").value;
    $("save").value = "";
    if (!format) return;
    const endings = { text: "txt", mermaid: "mmd" };
    const answer = await request("calls/" + id + "/chart?format=" + format);
    const link = make("a", "");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = "session-" + id.slice(0, 8) + "." + (endings[format] || format);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), STATUS_MS);
  }

  function sessionView(id) {
    const reasons = new Map();
    const chart = chartOf(id, (event, events) => {
      if (event) $("panel").replaceChildren(describe(event, events, explain));
      else status();
    });
    let closed = false, source = null, timer = 0, later = 0;

    function explain(name) {
      if (!reasons.has(name)) reasons.set(name, json("reasons/" + encodeURIComponent(name)));
      return reasons.get(name);
    }

    async function status() {
      clearTimeout(timer);
      try {
        const call = await json("calls/" + id);
        if (closed) return;
        $("parties").textContent = who(call.from) + " \u2192 " + who(call.to);
        $("state").textContent = call.state + (call.reason ? ": " + call.reason : "");
        $("state").className = dotLook(call);
        $("hangup").disabled = !isLive(call);
        document.title = who(call.from) + " \u2192 " + who(call.to) + " \u2013 pcscf";
        if (!chart.isChosen()) $("panel").replaceChildren(overview(call));
        if (isLive(call)) timer = setTimeout(status, STATUS_MS);
        trouble(null);
      } catch (error) {
        trouble(error);
      }
    }

    // A lost connection comes again by itself; one that was refused is asked for later.
    function follow() {
      source = new EventSource("/api/v1/calls/" + id + "/stream?from=" + chart.next());
      source.onmessage = chart.draw;
      source.addEventListener("end", () => {
        source.close();
        chart.draw().then(status);
      });
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) later = setTimeout(follow, STATUS_MS);
      };
    }

    const listeners = [
      [$("overview"), "click", chart.nothing],
      [$("save"), "change", () => save(id).catch(trouble)],
      [$("hangup"), "click", () =>
        json("calls/" + id + "/hangup", { method: "POST" }).then(status, trouble)],
      [document, "keydown", (key) => { if (key.key === "Escape") chart.nothing(); }],
    ];
    for (const [target, name, handle] of listeners) target.addEventListener(name, handle);
    $("panel").replaceChildren();
    status();
    chart.draw().then(() => { if (!closed) follow(); });
    return {
      close() {
        closed = true;
        chart.close();
        if (source) source.close();
        clearTimeout(timer);
        clearTimeout(later);
        document.title = "pcscf";
        for (const [target, name, handle] of listeners) target.removeEventListener(name, handle);
      },
    };
  }

  // --- places -------------------------------------------------------------------------------

  function go() {
    const call = /^#\/calls\/([0-9a-zA-Z-]+)$/.exec(location.hash);
    const name = call ? "call" : location.hash === "#/regs" ? "regs" : "calls";
    if (view) view.close();
    trouble(null);
    for (const one of ["calls", "regs", "call"]) $(one).hidden = one !== name;
    for (const [link, of] of [["to-calls", "calls"], ["to-regs", "regs"]])
      if (of === name) $(link).setAttribute("aria-current", "page");
      else $(link).removeAttribute("aria-current");
    view = call ? sessionView(call[1]) : name === "regs" ? registrationsView() : sessionsView();
  }

  async function headTurn() {
    try {
      show = await json("show");
      $("status").textContent = [count(show.sessions) + " live", count(show.registrations || 0) +
        " registered", "up " + lasts(show.uptime_s), show.version,
        show.draining ? "draining" : ""].filter((part) => part).join("  \u00b7  ");
    } catch (error) {
      trouble(error);
    }
    setTimeout(headTurn, STATUS_MS);
  }

  window.addEventListener("hashchange", go);
  headTurn().then(go);
})();
