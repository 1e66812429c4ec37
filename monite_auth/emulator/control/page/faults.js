// Trouble to order, by its human names.

import { command } from "./control.js";
import { at, element } from "./dom.js";

const KINDS = {
  latency: ["answer 3 seconds late", { seconds: 3 }],
  jitter: ["a network that jitters, up to 0.2 s", { seconds: 0.2 }],
  hang: ["never answer"],
  drip: ["answer drop by drop, in 5 seconds", { seconds: 5 }],
  wrong_order: ["let the next answer overtake this one", { seconds: 5 }],
  cut_before: ["cut the line, nothing done"],
  cut_after: ["cut the line, work done"],
  status: ["503 Service unavailable", { status: 503 }],
  throttle: ["429, come back in 5 seconds", { retry_after: 5 }],
  invalid_json: ["answer with no JSON"],
  truncated: ["half an answer"],
  wrong_fields: ["answer without a field"],
  wrong_content_type: ["the right answer, called text/html"],
  clock_skew: ["a clock that is 5 minutes ahead", { seconds: 300 }],
  dead_token: ["say the token has expired"],
};

at("order").elements.kind.replaceChildren(
  ...Object.entries(KINDS).map(([kind, [name]]) => element("option", { text: name, value: kind })),
);

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
    ...faults.map(({ id, kind, path, method, hits, remaining }) => {
      const rest = remaining === null ? "until cleared" : remaining ? `${remaining} to come` : "over";
      const name = KINDS[kind][0];
      const away = element("button", { className: "copy", text: "delete", type: "button", "aria-label": `Delete: ${name}` });
      away.addEventListener("click", () => command("DELETE", `faults/${id}`));
      return element("li", {
        children: [
          element("span", { text: `${name}, ${[method, path || "every call"].filter(Boolean).join(" ")}` }),
          element("small", { text: `${hits} hit, ${rest}` }),
          away,
        ],
      });
    }),
  );
}
