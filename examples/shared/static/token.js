// The token card: counts down, and asks for a token as Monite's browser SDK would. The answer has none.

const card = document.getElementById("token");
const at = (id) => document.getElementById(id);

// Counted from the load of the page, so that the browser's clock need not agree with the server's.
const expires = performance.now() / 1000 + Number(card.dataset.left);

function inWords(seconds) {
  const whole = Math.floor(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

function tick() {
  const left = Math.max(0, expires - performance.now() / 1000);
  at("bar").value = left;
  at("left").textContent = left ? `${inWords(left)} left` : "Expired: your next click gets a new one";
}

function showRenewal() {
  const seconds = Number(card.dataset.renewalIn);
  const moment = new Date(Date.now() + seconds * 1000);
  const time = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  at("renewal").textContent = seconds > 0 ? `renews at ${time}` : "being renewed";
}

async function ask() {
  const response = await fetch("/monite/token", { cache: "no-store" });
  if (!response.ok) {
    at("answer").textContent = `GET /monite/token answered ${response.status}. Load the page again to log in.`;
    return;
  }
  const { access_token: placeholder } = await response.json();
  at("answer").textContent = `GET /monite/token answered: ${placeholder}`;
}

at("ask").addEventListener("click", ask);
showRenewal();
tick();
setInterval(tick, 1000);
