// Keep the page live. Without this script the page still works: it reloads itself.
(() => {
  "use strict";
  const SILENT_MS = 7000; // the server speaks at least every 3 s
  const BROKEN_MS = 2500; // a dropped connection is often back within 2 s
  const RETRY_MS = 2000;
  const ANSWER_MS = 15000;
  const body = document.body;
  const opens = body.dataset.act.split(" ");
  const all = (query) => Array.from(document.querySelectorAll(query));
  const lostBox = document.getElementById("lost");
  let heardWall = Date.now();
  let heardSteady = performance.now();
  let brokenSince = null;
  let source = null;
  let title = document.title;
  let serverFrozen = body.classList.contains("frozen");
  let stale = false; // another build or another site layout: reload when nobody is typing

  // Both clocks: one stops while the phone sleeps, the other may be set.
  const silence = () => Math.max(Date.now() - heardWall, performance.now() - heardSteady);
  const typing = () => all("input[type=password]").some((field) => field.value !== "");

  function heard() {
    heardWall = Date.now();
    heardSteady = performance.now();
    brokenSince = null;
    check();
  }

  function age(ms) {
    const s = Math.floor(ms / 1000);
    return s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min" : Math.floor(s / 3600) + " h";
  }

  function check() {
    const broken = brokenSince !== null && performance.now() - brokenSince > BROKEN_MS;
    const lost = silence() > SILENT_MS || broken;
    if (lost) document.getElementById("lost-age").textContent = age(silence());
    lostBox.hidden = !lost;
    body.classList.toggle("frozen", lost || serverFrozen);
    doubt(lost);
    document.title = lost ? body.dataset.frozenTitle : title;
    if (stale && !lost && !typing()) location.reload();
    ring(lost);
  }

  // A siren last seen at rest may be sounding by now: say "unknown", not "at rest".
  const held = new Map();
  function doubt(lost) {
    const unknown = document.getElementById("unknown").innerHTML;
    if (lost && held.size === 0) {
      for (const place of all('[data-live$="-headline"]')) {
        held.set(place, place.innerHTML);
        place.innerHTML = unknown;
      }
    }
    if (lost || held.size === 0) return;
    for (const [place, html] of held) place.innerHTML = html;
    held.clear();
  }

  function update(message) {
    for (const [name, html] of Object.entries(message.fragments)) {
      const place = document.querySelector('[data-live="' + name + '"]');
      if (place) place.innerHTML = html;
      held.delete(place); // newer than what was held
      if (place && name.endsWith("-headline")) openForm(place);
    }
    title = message.title;
    serverFrozen = message.frozen;
    stale = message.shape !== body.dataset.shape || message.build !== body.dataset.build;
    if (stale) body.dataset.stale = "yes";
    heard();
  }

  // Open the form once when a siren starts to need somebody; people may close it again.
  function openForm(place) {
    const key = place.querySelector("[data-key]").dataset.key;
    const details = place.parentElement.querySelector("details.act");
    if (place.dataset.was !== key && opens.includes(key)) details.open = true;
    place.dataset.was = key;
  }

  function connect() {
    source = new EventSource(body.dataset.events);
    source.addEventListener("update", (event) => update(JSON.parse(event.data)));
    source.addEventListener("beat", heard);
    source.onerror = () => {
      if (brokenSince === null) brokenSince = performance.now();
      // The browser retries by itself, except after an error status.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
    };
  }

  async function send(form, button) {
    const data = new URLSearchParams(new FormData(form));
    if (button.name) data.append(button.name, button.value);
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ANSWER_MS);
    try {
      const answer = await fetch(form.getAttribute("action"), {
        method: "POST", body: data, headers: { Accept: "application/json" }, signal: stop.signal,
      });
      return await answer.json();
    } catch {
      return { ok: false, text: body.dataset.lost };
    } finally {
      clearTimeout(timer);
    }
  }

  function adopt(form) {
    const place = form.querySelector(".answer");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = event.submitter || form.querySelector("button");
      place.textContent = body.dataset.sending;
      form.setAttribute("aria-busy", "true");
      const answer = await send(form, button);
      form.removeAttribute("aria-busy");
      place.textContent = answer.text;
      place.className = "answer " + (answer.ok ? "good" : "fault");
      if (!answer.next) return; // not sure: the same id again acts once
      if (form.elements.id) form.elements.id.value = answer.next;
      if (form.elements.pin) form.elements.pin.value = "";
    });
  }

  // The simulated siren, only after somebody asked to hear it: two tones, not the national signal.
  let sound = null;
  function ring(lost) {
    if (!sound) return;
    const wanted = !lost && document.querySelector('[data-sounding="yes"]') !== null;
    sound.tone.frequency.value = sound.tone.frequency.value > 600 ? 520 : 690;
    sound.gain.gain.value = wanted && sound.on ? 0.25 : 0;
  }

  function hear(button) {
    if (!sound) {
      const context = new AudioContext();
      sound = { on: false, context, tone: context.createOscillator(), gain: context.createGain() };
      sound.gain.gain.value = 0;
      sound.tone.connect(sound.gain).connect(context.destination);
      sound.tone.start();
    }
    sound.on = !sound.on;
    for (const each of all("button.hear")) {
      each.setAttribute("aria-pressed", String(sound.on));
    }
    sound.context.resume();
    ring(false);
  }

  for (const button of all("button.hear")) {
    button.hidden = false;
    button.addEventListener("click", () => hear(button));
  }
  for (const form of all("form[data-inline]")) adopt(form);
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.addEventListener("visibilitychange", check);
  setInterval(check, 500);
  connect();
})();
