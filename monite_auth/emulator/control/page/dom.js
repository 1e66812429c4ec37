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

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const pair = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${pair(minutes)}:${pair(rest)}` : `${minutes}:${pair(rest)}`;
}

// A button that copies a text and says so.
export function copyButton(label, text) {
  const button = element("button", { className: "copy", text: label, type: "button", title: text });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
    setTimeout(() => (button.textContent = label), 1200);
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
