// What happens, in sentences, the newest first.

import { at, element, timeOfDay } from "./dom.js";
import { NAMES } from "./faults.js";

const LENGTH = 200;

function clockMove(seconds) {
  const size = Math.abs(seconds);
  if (!size) return "not moved";
  return `moved ${seconds < 0 ? "back" : "forward"} by ${size < 60 ? `${size} s` : `${Math.round(size / 60)} min`}`;
}

// Sentences by kind of event.
const sentences = {
  minted: ({ token, name }) => `${token} minted for ${name ?? "the partner"}`,
  revoked: ({ token, name }) => `${token} of ${name ?? "the partner"} revoked`,
  expired: ({ token, name }) => `${token} of ${name ?? "the partner"} expired`,
  refused: ({ token, name, reason }) =>
    token ? `${token} of ${name ?? "the partner"} refused: ${reason}` : "an unknown token refused",
  throttled: ({ limit }) => `over the limit of ${limit} requests a second`,
  fault: ({ fault, path }) => `${NAMES[fault]}, for ${path}`,
  clock: ({ seconds, frozen }) => `clock ${clockMove(seconds)}${frozen ? ", frozen" : ""}`,
};

export function tell(kind, moment, facts) {
  const line = element("li", {
    className: kind,
    children: [element("time", { text: timeOfDay(moment) }), element("span", { text: sentences[kind](facts) })],
  });
  at("feed").prepend(line);
  while (at("feed").childElementCount > LENGTH) at("feed").lastElementChild.remove();
  at("quiet").hidden = true;
}

export function clearFeed() {
  at("feed").replaceChildren();
  at("quiet").hidden = false;
}
