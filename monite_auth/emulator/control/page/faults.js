// Trouble to order, by its human names.

import { command } from "./control.js";
import { at, duration, element } from "./dom.js";

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

let shown = "";

export function showFaults(faults) {
  const now = JSON.stringify(faults);
  if (now === shown) return;
  shown = now;
  at("faults").replaceChildren(
    ...faults.map((fault) => {
      const { id, kind, path, method, hits, remaining, probability } = fault;
      const rest = remaining === null ? "until cleared" : remaining ? `${remaining} to come` : "over";
      const likely = probability < 1 ? [`${Number((probability * 100).toPrecision(3))} % of them`] : [];
      const name = KINDS[kind][0](fault);
      const calls = [method, path || "every call"].filter(Boolean).join(" ");
      const away = element("button", { className: "copy", text: "delete", type: "button", "aria-label": `Delete: ${name}` });
      away.addEventListener("click", () => command("DELETE", `faults/${id}`));
      return element("li", {
        children: [
          element("span", { text: [name, calls, ...whom(fault)].join(", ") }),
          element("small", { text: [...likely, `${hits} hit`, rest].join(", ") }),
          away,
        ],
      });
    }),
  );
}
