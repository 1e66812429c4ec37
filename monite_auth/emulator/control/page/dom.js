// Small helpers: elements, times, questions. Text is set by textContent only, so no name becomes HTML.

export const at = (id) => document.getElementById(id);

export function element(tag, { className, text, children = [], ...attributes } = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export const timeOfDay = (moment) => new Date(moment * 1000).toLocaleTimeString([], { hour12: false });

/** Returns the day as 2026-11-27. */
export const day = (moment) => new Date(moment * 1000).toLocaleDateString("sv-SE");

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const pair = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  return hours ? `${hours}:${pair(minutes)}:${pair(rest)}` : `${minutes}:${pair(rest)}`;
}

// Browsers keep the clipboard from pages without TLS, except for those of this machine. There the older way still works.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = element("textarea", { text, readonly: "" });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

// A button that copies a text and says so.
export function copyButton(label, text, whose = "") {
  const name = [label, whose].filter(Boolean).join(" of ");
  const button = element("button", { className: "copy", text: label, type: "button", title: text, "aria-label": name });
  button.addEventListener("click", async () => {
    await copy(text);
    button.textContent = "copied";
    button.setAttribute("aria-label", "copied");
    setTimeout(() => {
      button.textContent = label;
      button.setAttribute("aria-label", name);
    }, 1200);
  });
  return button;
}

// Asks before something is destroyed. Resolves to whether the answer was yes.
export function sure(question, yes) {
  at("question").textContent = question;
  at("yes").textContent = yes;
  at("ask").returnValue = "no";
  at("ask").showModal();
  return new Promise((resolve) =>
    at("ask").addEventListener("close", () => resolve(at("ask").returnValue === "yes"), { once: true }),
  );
}
