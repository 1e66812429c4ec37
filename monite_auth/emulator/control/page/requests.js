// The last requests, the newest first. One opens to show its request id, its bodies and its headers.

import { read } from "./control.js";
import { at, copyButton, element, timeOfDay } from "./dom.js";
import { NAMES } from "./faults.js";

const LENGTH = 200;
let last = 0;
let query = "";

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

function message(title, { body, headers }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [element("h3", { text: title }), element("pre", { text: [...lines, "", pretty(body)].join("\n").trim() })];
}

function details(request) {
  const told = [element("p", { children: [element("code", { text: request.request_id }), copyButton("request id", request.request_id)] })];
  if (request.fault) told.push(element("p", { text: `Trouble that was ordered: ${NAMES[request.fault]}.` }));
  told.push(...message("Request", request.request));
  if (request.answer) told.push(...message("Answer", request.answer));
  return told;
}

function row(request) {
  const status = request.status ?? "none";
  const made = element("details", {
    children: [
      element("summary", {
        children: [
          element("time", { text: timeOfDay(request.at) }),
          element("b", { className: `status s${String(status)[0]}`, text: status }),
          element("span", { className: "mono", text: `${request.method} ${request.path}${request.query ? `?${request.query}` : ""}` }),
          element("small", { text: `${Math.round(request.seconds * 1000)} ms` }),
        ],
      }),
    ],
  });
  // The bodies are made when somebody asks for them.
  made.addEventListener("toggle", () => made.childElementCount === 1 && made.append(...details(request)), { once: true });
  return element("li", { children: [made] });
}

export async function showRequests() {
  const asked = query;
  const { requests } = await read(`requests?after=${last}&limit=${LENGTH}${asked}`);
  if (asked !== query) return; // somebody has typed on meanwhile
  const list = at("request-rows");
  for (const request of requests.reverse()) {
    if (request.number <= last) continue; // another look was faster
    last = request.number;
    list.prepend(row(request));
  }
  for (const old of [...list.children].slice(LENGTH)) {
    if (!old.firstElementChild.open) old.remove(); // who reads one keeps it
  }
  at("no-requests").hidden = list.childElementCount > 0;
}

export function clearRequests() {
  last = 0;
  at("request-rows").replaceChildren();
}

at("search").addEventListener("input", () => {
  const chosen = [...new FormData(at("search"))].filter(([, value]) => value);
  query = chosen.map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join("");
  at("no-requests").textContent = query ? "No request fits." : "No request yet.";
  clearRequests();
  showRequests();
});
at("search").addEventListener("submit", (event) => event.preventDefault());
