// Polls the emulator once a second and redraws what has changed. Text is set by textContent only, so no name becomes HTML.

const PERIOD = 1000;
const FEED_LENGTH = 200;
// The bar shows a warning when less than this share of a token's life is left.
const LATE = 0.2;
const PARAMETERS = { latency: { seconds: 3 }, status: { status: 503 }, throttle: { retry_after: 5 } };

const at = (id) => document.getElementById(id);
const rows = new Map();
const states = new Map();
let lastEvent = 0;
let firstLook = true;
let clockOffset = 0;

function element(tag, { className, text, children = [], ...attributes } = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const emulatorNow = () => Date.now() / 1000 + clockOffset;
const timeOfDay = (moment) => new Date(moment * 1000).toLocaleTimeString([], { hour12: false });

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const pair = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${pair(minutes)}:${pair(rest)}` : `${minutes}:${pair(rest)}`;
}

function clockMove(seconds) {
  const size = Math.abs(seconds);
  if (!size) return "not moved";
  return `moved ${seconds < 0 ? "back" : "forward"} by ${size < 60 ? `${size} s` : `${Math.round(size / 60)} min`}`;
}

// Sentences for the feed, by kind of event.
const sentences = {
  minted: ({ token, name }) => `${token} minted for ${name ?? "the partner"}`,
  revoked: ({ token, name }) => `${token} of ${name ?? "the partner"} revoked`,
  expired: ({ token, name }) => `${token} of ${name ?? "the partner"} expired`,
  refused: ({ token, name, reason }) =>
    token ? `${token} of ${name ?? "the partner"} refused: ${reason}` : "an unknown token refused",
  throttled: ({ limit }) => `over the limit of ${limit} requests a second`,
  fault: ({ fault, path }) => `fault ${fault} hit ${path}`,
  clock: ({ seconds, frozen }) => `clock ${clockMove(seconds)}${frozen ? ", frozen" : ""}`,
};

function tell(kind, moment, facts) {
  const line = element("li", {
    className: kind,
    children: [element("time", { text: timeOfDay(moment) }), element("span", { text: sentences[kind](facts) })],
  });
  at("feed").prepend(line);
  while (at("feed").childElementCount > FEED_LENGTH) at("feed").lastElementChild.remove();
  at("quiet").hidden = true;
}

function newRow(token) {
  const cell = (attributes) => element("td", { role: "cell", ...attributes });
  const bar = element("i");
  const left = element("span", { className: "left" });
  const uses = cell({ className: "number" });
  const row = element("tr", {
    role: "row",
    children: [
      cell({
        children: [
          element("strong", { text: token.name ?? "Partner" }),
          element("small", { text: token.login ?? "acts for every entity" }),
        ],
      }),
      cell({
        children: [
          element("span", { text: token.entity ?? "all entities" }),
          element("small", { text: token.entity_user_id ? (token.role ?? "no role") : "root" }),
        ],
      }),
      cell({ className: "mono", text: token.token }),
      cell({
        className: "time",
        children: [left, element("div", { className: "bar", "aria-hidden": "true", children: [bar] })],
      }),
      uses,
    ],
  });
  // Rows are not moved: that would play their highlight again.
  row.addEventListener("animationend", () => row.classList.remove("new", "just-ended"));
  return { row, bar, left, uses, token };
}

function tick({ bar, left, token }) {
  const remaining = token.expires_at - emulatorNow();
  const share = Math.min(1, Math.max(0, remaining / (token.expires_at - token.minted_at)));
  const isLive = token.state === "live" && remaining > 0;
  if (token.state === "revoked") left.textContent = `revoked ${timeOfDay(token.revoked_at)}`;
  else if (isLive) left.textContent = duration(remaining) + (token.answer_lost ? ", answer lost" : "");
  else left.textContent = "expired";
  bar.style.transform = `scaleX(${isLive ? share : 0})`;
  bar.classList.toggle("late", share < LATE);
}

function showTokens(tokens) {
  const shown = new Set(tokens.map((token) => token.fingerprint));
  for (const [fingerprint, { row }] of rows) {
    if (!shown.has(fingerprint)) {
      row.remove();
      rows.delete(fingerprint);
      states.delete(fingerprint);
    }
  }
  tokens.forEach((token, index) => {
    const before = states.get(token.fingerprint);
    const entry = rows.get(token.fingerprint) ?? newRow(token);
    entry.token = token;
    entry.uses.textContent = token.uses;
    const classes = [token.state, token.state === "live" ? "" : "ended"];
    if (!before && !firstLook) classes.push("new");
    if (before === "live" && token.state !== "live") classes.push("just-ended");
    if (before !== token.state) entry.row.className = classes.filter(Boolean).join(" ");
    if (before === "live" && token.state === "expired") tell("expired", token.expires_at, token);
    rows.set(token.fingerprint, entry);
    states.set(token.fingerprint, token.state);
    const place = at("tokens").children[index];
    if (place !== entry.row) at("tokens").insertBefore(entry.row, place ?? null);
    tick(entry);
  });
  at("none").hidden = tokens.length > 0;
}

function showFaults(faults) {
  at("faults").replaceChildren(
    ...faults.map(({ kind, path, hits, remaining }) => {
      const rest = remaining === null ? "until cleared" : remaining ? `${remaining} to come` : "over";
      return element("li", {
        children: [
          element("span", { text: `${kind} on ${path || "every call"}` }),
          element("small", { text: `${hits} hit, ${rest}` }),
        ],
      });
    }),
  );
}

function clockState({ ahead, frozen }) {
  if (frozen) return "frozen";
  return ahead ? `${duration(Math.abs(ahead))} ${ahead < 0 ? "behind" : "ahead of"} the real time` : "";
}

function show(live) {
  clockOffset = live.now - Date.now() / 1000;
  for (const [name, value] of Object.entries(live.counts)) {
    const place = at(name);
    if (place) place.textContent = value.toLocaleString();
  }
  const { requests, limit } = live.counts;
  at("rate-bar").style.transform = `scaleX(${Math.min(1, requests / limit)})`;
  at("rate-bar").classList.toggle("late", requests > limit * (1 - LATE));
  at("ahead").textContent = clockState(live);
  at("hidden").hidden = live.hidden === 0;
  at("hidden").textContent = `${live.hidden.toLocaleString()} older tokens are not shown.`;
  for (const { number, at: moment, kind, facts } of live.events) {
    if (number > lastEvent) tell(kind, moment, facts);
  }
  lastEvent = live.last_event;
  showTokens(live.tokens);
  showFaults(live.faults);
  firstLook = false;
}

async function look() {
  try {
    const response = await fetch(`/_emulator/live?after=${lastEvent}`, { cache: "no-store" });
    show(await response.json());
    at("offline").hidden = true;
  } catch {
    at("offline").hidden = false;
  }
}

async function command(method, path, body) {
  const headers = { "content-type": "application/json" };
  await fetch(`/_emulator/${path}`, { method, headers, body: body && JSON.stringify(body) });
  await look();
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => command("POST", "clock", { advance: Number(button.dataset.advance) }));
}
at("clear").addEventListener("click", () => command("DELETE", "faults"));
at("reset").addEventListener("click", async () => {
  at("feed").replaceChildren();
  at("quiet").hidden = false;
  await command("POST", "reset");
});
at("order").addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, path, times } = Object.fromEntries(new FormData(event.target));
  command("POST", "faults", { kind, path, times: times ? Number(times) : null, ...PARAMETERS[kind] });
});

at("api").textContent = `${location.origin}/v1`;

function everySecond() {
  at("now").textContent = timeOfDay(emulatorNow());
  if (!document.hidden) look();
}
everySecond();
setInterval(everySecond, PERIOD);
