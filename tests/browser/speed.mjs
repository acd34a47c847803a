// How fast and how heavy the pages are. Prints one line of JSON for each figure; judges nothing. Figures that count come from a
// release build on a quiet computer: `VENIA_TRY` names its program.

import { readFile } from "node:fs/promises";
import { Person } from "./person.mjs";
import { Desk } from "./technician.mjs";
import { World } from "./world.mjs";

const say = (name, value, unit) => console.log(JSON.stringify({ name, value, unit }));
const sorted = (figures) => figures.toSorted((one, other) => one - other);
const median = (figures) => sorted(figures)[Math.floor(figures.length / 2)];
/** The figure that 19 of 20 don't exceed. */
const p95 = (figures) => sorted(figures)[Math.ceil(figures.length * 0.95) - 1];

/** Times the first page is opened. */
const OPENED = 15;
/** Lines that are followed from one page to the other. */
const FOLLOWED = 200;
/** Lines in a feed that is long. */
const LONG = 2_000;

/** Memory that a process has alone, plus its part of what it shares (proc(5), `smaps_rollup`), in KiB. */
async function memory(pid) {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)[1]);
}

/** Bytes, requests and time until the first page answers to somebody. */
async function first(world) {
  const interactive = [];
  let bytes = 0, requests = 0;
  for (let round = 0; round < OPENED; round++) {
    const agent = await world.agent();
    const context = await world.context();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    bytes = requests = 0;
    const events = new Set();
    // The open stream of changes is no part of the first page.
    session.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (request.url.startsWith("data:")) return;
      if (request.url.includes("/events")) events.add(requestId);
      else requests++;
    });
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => { if (!events.has(requestId)) bytes += encodedDataLength; });
    await page.goto(agent.launch, { waitUntil: "load" });
    // The way over the launch address counts: it begins with the first request.
    interactive.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd));
    await context.close();
    await agent.kill();
  }
  say("page_first_bytes", bytes, "B");
  // The launch address leads on, so its request counts too.
  say("page_first_requests", requests, "requests");
  say("page_interactive", Math.round(median(interactive)), "ms");
}

/** From the press on the person's page to the paint on the technician's: everything between them is in it. */
async function followed(person, desk) {
  await desk.page.evaluate(() => {
    globalThis.seen = {};
    new MutationObserver(() => {
      const now = performance.timeOrigin + performance.now();
      for (const one of document.querySelectorAll("#news li")) {
        const line = /follow-(\d+)/.exec(one.textContent);
        if (line && !globalThis.seen[line[1]]) globalThis.seen[line[1]] = now;
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const took = [];
  for (let n = 0; n < FOLLOWED; n++) {
    const pressed = await person.page.evaluate((n) => {
      document.getElementById("text").value = `follow-${n}`;
      const pressed = performance.timeOrigin + performance.now();
      document.querySelector('form[action="/say"]').requestSubmit();
      return pressed;
    }, n);
    const seen = await desk.page.waitForFunction((n) => globalThis.seen[n], n).then((seen) => seen.jsonValue());
    took.push(seen - pressed);
    await person.page.waitForFunction(() => document.getElementById("text").value === "");
  }
  say("page_event_seen_median", Math.round(median(took)), "ms");
  say("page_event_seen_p95", Math.round(p95(took)), "ms");
}

/** From a key to the paint that shows it, on a page with a long feed. (Event Timing, which counts in steps of 8 ms) */
async function typed(name, page, field) {
  await page.evaluate(() => {
    globalThis.painted = [];
    new PerformanceObserver((list) => globalThis.painted.push(...list.getEntries().map((one) => one.duration)))
      .observe({ type: "event", durationThreshold: 16, buffered: false });
  });
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(3);
  await page.locator(field).pressSequentially(text, { delay: 20 });
  const slow = await page.evaluate(() => globalThis.painted);
  // What took less than 16 ms isn't told: it counts as that.
  const all = [...slow, ...Array(Math.max(0, text.length * 2 - slow.length)).fill(16)];
  say(name, p95(all), "ms");
}

const world = await World.start();
try {
  const ana = await world.technician("Ana");
  await first(world);

  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  say("agent_pss_page_open", await memory(agent.child.pid), "KiB");
  const desk = await Desk.open(await world.context(), await ana.opens());
  await desk.begin(await person.begin(), { goal: "slow-computer" });
  await person.press("yes");
  await person.armed("allow");
  const pressed = Date.now();
  await person.button("allow").click();
  await desk.sees(desk.page.locator("#reports details"), "the first report");
  say("page_allow_to_first_report", Date.now() - pressed, "ms");
  await desk.sees(desk.page.locator("#found .note h3"), "a likely cause");
  await followed(person, desk);
  say("agent_pss_in_session", await memory(agent.child.pid), "KiB");
  say("console_pss_in_session", await memory(desk.program.child.pid), "KiB");

  for (let n = FOLLOWED; n < LONG; n++) {
    await person.page.evaluate((n) => {
      document.getElementById("text").value = `line ${n}`;
      document.querySelector('form[action="/say"]').requestSubmit();
    }, n);
    await person.page.waitForFunction(() => document.getElementById("text").value === "");
  }
  await person.reads(`line ${LONG - 1}`);
  await desk.reads(`line ${LONG - 1}`);
  await typed("page_long_feed_typing_p95", person.page, "#text");
  await typed("desk_long_feed_typing_p95", desk.page, "#chat");
  say("agent_pss_long_feed", await memory(agent.child.pid), "KiB");
} finally {
  await world.end();
}
