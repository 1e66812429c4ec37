// The tokens: who holds each, how long it still lives, and a button that ends it.

import { command } from "./control.js";
import { at, duration, element, sure, timeOfDay } from "./dom.js";
import { tell } from "./feed.js";

// The bar shows a warning when less than this share of a token's life is left.
export const LATE = 0.2;

const rows = new Map();
const states = new Map();
let firstLook = true;

function newRow(token) {
  const cell = (attributes) => element("td", { role: "cell", ...attributes });
  const bar = element("i");
  const left = element("span", { className: "left" });
  const uses = cell({ className: "number" });
  const holder = token.name ?? "Partner";
  const revoke = element("button", { className: "copy danger", text: "revoke", type: "button", "aria-label": `Revoke ${token.token} of ${holder}` });
  revoke.addEventListener("click", async () => {
    if (await sure(`Revoke ${token.token} of ${holder}? Their application is not told.`, "Revoke")) {
      await command("POST", `tokens/${token.id}/revoke`);
      at("tokens").focus(); // the button that was pressed is no more
    }
  });
  const row = element("tr", {
    role: "row",
    children: [
      cell({
        children: [element("strong", { text: holder }), element("small", { text: token.login ?? "acts for every entity" })],
      }),
      cell({
        children: [
          element("span", { text: token.entity ?? "all entities" }),
          element("small", { text: token.entity_user_id ? (token.role ?? "no role") : "root" }),
        ],
      }),
      cell({ className: "mono", children: [element("span", { text: token.token }), revoke] }),
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

function tick({ bar, left, token }, now) {
  const remaining = token.expires_at - now;
  const share = Math.min(1, Math.max(0, remaining / (token.expires_at - token.minted_at)));
  const isLive = token.state === "live" && remaining > 0;
  if (token.state === "revoked") left.textContent = `revoked ${timeOfDay(token.revoked_at)}`;
  else if (isLive) left.textContent = duration(remaining) + (token.answer_lost ? ", answer lost" : "");
  else left.textContent = "expired";
  bar.style.transform = `scaleX(${isLive ? share : 0})`;
  bar.classList.toggle("late", share < LATE);
}

export function showTokens(tokens, hidden, now) {
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
    const place = at("token-rows").children[index];
    if (place !== entry.row) at("token-rows").insertBefore(entry.row, place ?? null);
    tick(entry, now);
  });
  at("none").hidden = tokens.length > 0;
  at("hidden").hidden = hidden === 0;
  at("hidden").textContent = `${hidden.toLocaleString()} older tokens are not shown.`;
  firstLook = false;
}
