// No eyes, no run: a page that is gone, a browser that is gone, two pages.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Person } from "./person.mjs";
import { BROWSER, World } from "./world.mjs";

let world, ana, eva;
before(async () => {
  world = await World.start();
  ana = await world.technician("Ana");
  eva = await world.technician("Eva");
});
afterEach(() => world.clear());
after(() => world?.end());

async function allowed(context, technician) {
  const agent = await world.agent();
  const person = await Person.open(context, agent);
  const joined = technician.join(await person.begin(), { interactive: true, json: false });
  await person.press("yes");
  joined.say("run system.overview");
  await person.press("allow");
  await person.reads("Sent to ");
  return { agent, person, joined };
}

/** Paused after half a minute, not before; and whoever comes back says that it goes on. */
async function pausesAndGoesOn({ agent, joined }, context, gone) {
  await joined.told("Paused", 45_000);
  const after = Date.now() - gone;
  assert.ok(after > 28_000 && after < 40_000, `paused after ${after} ms`);
  const page = await context.newPage();
  await page.goto(`${agent.origin}/`);
  const person = new Person(page, agent);
  await person.asked("yes");
  assert.match(await person.card.innerText(), /The session was paused\. If it goes on, what you allowed before counts again\./);
  assert.equal(await person.button("yes").innerText(), "Go on");
  await person.press("yes");
  await person.reads("The session goes on.");
  // What was allowed before isn't any more.
  joined.say("run system.load");
  await person.asked("allow");
  await person.stop.click();
  await person.over();
  await joined.ended();
}

test("a session nobody sees pauses: the tab is closed, or the browser is killed", async () => {
  const closed = async () => {
    const context = await world.context();
    const session = await allowed(context, ana);
    const gone = Date.now();
    await session.person.page.close();
    await pausesAndGoesOn(session, context, gone);
  };
  const killed = async () => {
    const server = await chromium.launchServer(BROWSER);
    let session, cookies, gone;
    try {
      const browser = await chromium.connect(server.wsEndpoint());
      session = await allowed(await browser.newContext({ locale: "en-GB" }), eva);
      cookies = await session.person.page.context().cookies();
    } finally {
      gone = Date.now();
      await server.kill();
    }
    // A browser that restores its windows brings their cookies back.
    const context = await world.context();
    await context.addCookies(cookies);
    await pausesAndGoesOn(session, context, gone);
  };
  // Both come to their end before anything is cleared away.
  for (const ended of await Promise.allSettled([closed(), killed()])) if (ended.reason) throw ended.reason;
});

test("of two tabs the newest acts", async () => {
  const agent = await world.agent();
  const context = await world.context();
  const first = await Person.open(context, agent);
  const joined = ana.join(await first.begin());
  await first.press("yes");
  await first.asked("allow");
  const page = await context.newPage();
  await page.goto(`${agent.origin}/`);
  const second = new Person(page, agent);
  await second.asked("allow");
  await first.page.bringToFront();
  await first.sees(first.page.getByText("This page is open somewhere else, and that one acts now."));
  assert.equal(await first.button("allow").count(), 0);
  assert.ok(await first.stop.isVisible(), "Stop is on every page");
  // It can take over again.
  await first.page.getByRole("link", { name: "Use this page" }).click();
  await first.asked("allow");
  await second.page.bringToFront();
  await second.sees(second.page.getByText("This page is open somewhere else, and that one acts now."));
  // STOP counts from the page that doesn't act, too.
  await second.stop.click();
  await first.page.bringToFront();
  await first.over();
  await joined.ended();
});
