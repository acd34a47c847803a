// What ends by itself: a question nobody answers, and a program that is killed and started again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person } from "./person.mjs";
import { World } from "./world.mjs";

/** How long a question waits, in milliseconds. */
const SILENCE = 120_000;

let world;
before(async () => { world = await World.start(); });
after(() => world?.end());

/** Somebody with a card before them, who doesn't answer it. */
async function silent() {
  const ana = await world.technician("Ana");
  const person = await Person.open(await world.context(), await world.agent());
  const joined = ana.join(await person.begin(), { run: ["system.overview"] });
  await person.press("yes");
  await person.asked("allow");
  const asked = Date.now();
  await person.button("allow").waitFor({ state: "detached", timeout: SILENCE + 30_000 });
  assert.ok(Date.now() - asked > SILENCE - 2_000, "a question waits two minutes");
  await person.over();
  assert.match(await person.page.locator("#where").innerText(), /Nothing was shared\./);
  assert.equal(await joined.ended(), 1);
  assert.equal(joined.said.filter((said) => said.event === "consent").at(-1).answer, "silence");
  assert.deepEqual(joined.said.filter((said) => said.event === "result"), []);
}

/** A program that is killed in the middle of a session, and started again. */
async function restarted() {
  const eva = await world.technician("Eva");
  const agent = await world.agent();
  const context = await world.context();
  const person = await Person.open(context, agent);
  const joined = eva.join(await person.begin(), { interactive: true });
  await person.press("yes");
  await person.page.locator("#text").waitFor();
  await agent.kill();
  await person.page.locator(".gone").waitFor();
  assert.notEqual(await joined.ended(60_000), 0);

  // The page of the program that is gone opens nothing of the next one.
  const [cookie] = await context.cookies();
  const again = await world.agent({ data: agent.data });
  const stale = await context.request.get(`${again.origin}/`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
  assert.equal(stale.status(), 403);
  const next = await Person.open(context, again);
  assert.doesNotMatch(await next.page.title(), /●/, "no session goes on that was cut");
  const other = eva.join(await next.begin(), { run: ["system.overview"] });
  await next.press("yes");
  await next.press("allow");
  await next.over();
  assert.equal(await other.ended(), 0);
}

test("nobody answers for two minutes; the program is killed and started again", async () => {
  for (const ended of await Promise.allSettled([silent(), restarted()])) if (ended.reason) throw ended.reason;
});
