// How fast and how heavy the page is. Prints one line of JSON for each figure; judges nothing.

import { readFile } from "node:fs/promises";
import { Person } from "./person.mjs";
import { World } from "./world.mjs";

const say = (name, value, unit) => console.log(JSON.stringify({ name, value, unit }));
const median = (figures) => figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)];

/** Memory that a process has alone, plus its part of what it shares (proc(5), `smaps_rollup`), in KiB. */
async function memory(pid) {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)[1]);
}

const world = await World.start();
try {
  const ana = await world.technician("Ana");
  const interactive = [];
  let bytes = 0, requests = 0;
  for (let round = 0; round < 5; round++) {
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
    interactive.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd));
    await context.close();
  }
  // The launch address leads on, so its request counts too.
  say("page_first_bytes", bytes, "B");
  say("page_first_requests", requests, "requests");
  say("page_interactive", Math.round(median(interactive)), "ms");

  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  say("agent_pss_page_open", await memory(agent.child.pid), "KiB");
  const joined = ana.join(await person.begin(), { interactive: true });
  await person.press("yes");
  await person.page.locator("#text").waitFor();
  joined.say("run system.overview");
  await person.asked("allow");
  const pressed = await person.armed("allow").then(() => Date.now());
  await person.button("allow").click();
  await person.reads("Sent to Ana");
  say("page_allow_to_sent", Date.now() - pressed, "ms");
  say("agent_pss_in_session", await memory(agent.child.pid), "KiB");
} finally {
  await world.end();
}
