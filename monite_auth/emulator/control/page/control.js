// Talks to the emulator's control side.

import { at } from "./dom.js";

export async function read(path) {
  const response = await fetch(`/_emulator/${path}`, { cache: "no-store" });
  return response.json();
}

// Sends a command. What the emulator does not like is said at the top of the page.
export async function command(method, path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`/_emulator/${path}`, { method, headers, body: body && JSON.stringify(body) });
  at("failed").hidden = response.ok;
  if (!response.ok) at("failed").textContent = complaint(await response.json());
  return response.ok;
}

const complaint = ({ error, detail }) => error?.message ?? detail.map(({ msg }) => msg).join(". ");
