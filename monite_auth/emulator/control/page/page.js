// The live page: asks the emulator once a second and shows what has changed.

import { command, read } from "./control.js";
import { at, day, duration, sure, timeOfDay } from "./dom.js";
import { showFaults } from "./faults.js";
import { clearFeed, tell } from "./feed.js";
import { showPeople } from "./people.js";
import { clearRequests, showRequests } from "./requests.js";
import { LATE, showTokens } from "./tokens.js";

const PERIOD = 1000;
let lastEvent = 0;
let life = null;
let clock = { now: Date.now() / 1000, ahead: 0, frozen: false, seen: Date.now() / 1000 };

const emulatorNow = () => clock.now + (clock.frozen ? 0 : Date.now() / 1000 - clock.seen);

function clockState({ ahead, frozen }) {
  const away = ahead && `${duration(Math.abs(ahead))} ${ahead < 0 ? "behind" : "ahead of"} the real time`;
  return [frozen && "frozen", away].filter(Boolean).join(", ");
}

function showCounts(counts) {
  const { requests, limit } = counts;
  for (const [name, value] of Object.entries(counts)) {
    const place = at(name === "requests" ? "requests-now" : name);
    if (place) place.textContent = value.toLocaleString();
  }
  at("rate-bar").style.transform = `scaleX(${Math.min(1, requests / limit)})`;
  at("rate-bar").classList.toggle("late", requests > limit * (1 - LATE));
}

function show(live) {
  clock = { ...live, seen: Date.now() / 1000 };
  at("ahead").textContent = clockState(live);
  at("freeze").textContent = live.frozen ? "Let it run" : "Freeze";
  showCounts(live.counts);
  for (const { number, at: moment, kind, facts } of live.events) {
    if (number > lastEvent) tell(kind, moment, facts);
  }
  lastEvent = live.last_event;
  showTokens(live.tokens, live.hidden, live.now);
  showFaults(live.faults);
}

let looking = false;

async function look() {
  if (looking) return; // the emulator may take longer than a second
  looking = true;
  try {
    showPeople(await read("people")); // first, since a fault may be about one of them
    let live = await read(`live?after=${lastEvent}`);
    if (life && live.life !== life) {
      startAgain(); // somebody has reset the emulator, or it is another one
      live = await read("live?after=0");
    }
    life = live.life;
    show(live);
    await showRequests();
    at("offline").hidden = true;
  } catch {
    at("offline").hidden = false;
  } finally {
    looking = false;
  }
}

function everySecond() {
  at("now").textContent = `${day(emulatorNow())} ${timeOfDay(emulatorNow())}`;
  if (!document.hidden) look();
}

for (const button of document.querySelectorAll("[data-move]")) {
  button.addEventListener("click", () => command("POST", "clock", JSON.parse(button.dataset.move)));
}
at("freeze").addEventListener("click", () => command("POST", "clock", { freeze: !clock.frozen }));
at("right-time").addEventListener("click", () => command("DELETE", "clock"));
at("set-clock").addEventListener("submit", (event) => {
  event.preventDefault();
  const moment = new Date(new FormData(event.target).get("moment"));
  command("POST", "clock", { set: moment.getTime() / 1000, ...(clock.frozen ? { freeze: true } : {}) });
});

at("save").addEventListener("click", async () => {
  const text = JSON.stringify(await read("snapshot"), null, 2);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `monite-emulator-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
});

at("restore").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  target.value = ""; // so that the same file can be chosen again
  let snapshot;
  try {
    snapshot = JSON.parse(await file.text());
  } catch {
    at("failed").hidden = false;
    at("failed").textContent = `${file.name} is no JSON.`;
    return;
  }
  if (await sure(`Replace everything by what is in ${file.name}?`, "Replace")) {
    await command("PUT", "snapshot", snapshot);
    startAgain();
  }
});

at("reset").addEventListener("click", async () => {
  if (await sure("Delete all tokens, requests and changes, and begin again with the data of the start?", "Reset")) {
    await command("POST", "reset");
    look();
  }
});

function startAgain() {
  lastEvent = 0;
  clearFeed();
  clearRequests();
}

at("api").textContent = `${location.origin}/v1`;
everySecond();
setInterval(everySecond, PERIOD);
