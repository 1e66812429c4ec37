// Trouble to order, by its human names.

import { command } from "./control.js";
import { at, duration, element } from "./dom.js";

// What each kind is called where it has hit.
export const NAMES = {
  latency: "a late answer",
  jitter: "a network that jitters",
  hang: "no answer",
  drip: "an answer drop by drop",
  wrong_order: "answers in another order",
  cut_before: "the line cut, nothing done",
  cut_after: "the line cut, work done",
  status: "another status, nothing done",
  throttle: "429, as over the limit",
  invalid_json: "an answer with no JSON",
  truncated: "half an answer",
  wrong_fields: "another answer",
  wrong_content_type: "another content type",
  clock_skew: "another Date",
  dead_token: "a token said to be dead",
};

// What each kind is called, by what was ordered, and what the menu orders.
const KINDS = {
  latency: [({ seconds }) => `answer ${seconds} seconds late`, { seconds: 3 }],
  jitter: [({ seconds }) => `a network that jitters, up to ${seconds} s`, { seconds: 0.2 }],
  hang: [() => "never answer"],
  drip: [({ seconds }) => `answer drop by drop, in ${seconds} seconds`, { seconds: 5 }],
  wrong_order: [() => "let the next answer overtake this one", { seconds: 5 }],
  cut_before: [() => "cut the line, nothing done"],
  cut_after: [() => "cut the line, work done"],
  status: [({ status }) => `answer ${status}, nothing done`, { status: 503 }],
  throttle: [({ retry_after }) => `429, come back in ${retry_after} seconds`, { retry_after: 5 }],
  invalid_json: [() => "answer with no JSON"],
  truncated: [() => "half an answer"],
  wrong_fields: [({ body }) => (body ? "another answer, of your own" : "answer without a field")],
  wrong_content_type: [({ content_type }) => `the right answer, called ${content_type}`, { content_type: "text/html" }],
  clock_skew: [
    ({ seconds }) => `a clock that is ${duration(Math.abs(seconds))} ${seconds < 0 ? "behind" : "ahead"}`,
    { seconds: 300 },
  ],
  dead_token: [() => "say the token has expired"],
};

at("order").elements.kind.replaceChildren(
  ...Object.entries(KINDS).map(([kind, [name, fields]]) => element("option", { text: name(fields ?? {}), value: kind })),
);

const optionOf = (value) => [...at("order").elements.user.options].find((option) => option.value === value);

/** Says whom a fault hits, if not everybody. */
function whom({ entity_user_id, client_id }) {
  const names = [entity_user_id && (optionOf(entity_user_id)?.text ?? entity_user_id), client_id && `client ${client_id}`];
  return names.filter(Boolean);
}

at("order").addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, path, user, times, probability } = Object.fromEntries(new FormData(event.target));
  command("POST", "faults", {
    kind,
    path,
    entity_user_id: user || null,
    times: times ? Number(times) : null,
    probability: Number(probability),
    ...KINDS[kind][1],
  });
});

at("clear").addEventListener("click", () => command("DELETE", "faults"));

const rows = new Map();

function newRow({ id }) {
  const [name, rest] = [element("span"), element("small")];
  const away = element("button", { className: "copy", text: "delete", type: "button" });
  away.addEventListener("click", () => command("DELETE", `faults/${id}`));
  return { name, rest, away, row: element("li", { children: [name, rest, away] }) };
}

function tell({ name, rest, away }, fault) {
  const { kind, path, method, hits, remaining, probability } = fault;
  const called = KINDS[kind][0](fault);
  const calls = [method, path || "every call"].filter(Boolean).join(" ");
  const likely = probability < 1 ? [`${Number((probability * 100).toPrecision(3))} % of them`] : [];
  const left = remaining === null ? "until cleared" : remaining ? `${remaining} to come` : "over";
  name.textContent = [called, calls, ...whom(fault)].join(", ");
  rest.textContent = [...likely, `${hits} hit`, left].join(", ");
  away.setAttribute("aria-label", `Delete: ${called}`);
}

/** Shows the faults. Their rows stay, so that nobody loses the button that they are about to press. */
export function showFaults(faults) {
  const ids = new Set(faults.map(({ id }) => id));
  for (const [id, { row }] of rows) {
    if (ids.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
  for (const fault of faults) {
    if (!rows.has(fault.id)) {
      rows.set(fault.id, newRow(fault));
      at("faults").append(rows.get(fault.id).row);
    }
    tell(rows.get(fault.id), fault);
  }
}
