// What a person who says no gets: nothing runs, nothing is sent, and both sides know.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Person } from "./person.mjs";
import { World } from "./world.mjs";

let world, ana;
before(async () => {
  world = await World.start();
  ana = await world.technician("Ana");
});
afterEach(() => world.clear());
after(() => world?.end());

async function met(run) {
  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  const joined = ana.join(await person.begin(), { run });
  await person.asked("yes");
  return { agent, person, joined };
}

const results = (joined) => joined.said.filter((said) => said.event === "result");

test("who isn't known is sent away, at once", async () => {
  const { person, joined } = await met(["system.overview"]);
  // No needs no waiting.
  await person.button("no").click();
  await person.over();
  assert.match(await person.page.locator("#where").innerText(), /You ended the session\./);
  assert.notEqual(await joined.ended(), 0);
  assert.deepEqual(results(joined), []);
  assert.equal(joined.said.find((said) => said.event === "consent").answer, "no");
});

test("a card that is refused", async () => {
  const { person, joined } = await met(["system.overview"]);
  await person.press("yes");
  await person.asked("deny");
  await person.button("deny").click();
  await person.over();
  await person.reads("You did not allow it. Nothing of it was shared.");
  assert.match(await person.page.locator("#where").innerText(), /Nothing was shared\./);
  assert.equal(await joined.ended(), 1);
  assert.deepEqual(results(joined), []);
});

test("a result that is kept", async () => {
  const { person, joined } = await met(["system.processes"]);
  await person.press("yes");
  await person.press("allow");
  await person.asked("keep");
  await person.button("keep").click();
  await person.reads("Kept here: See which programs");
  await person.over();
  await joined.ended();
  assert.deepEqual(results(joined).map((said) => [said.status, said.report]), [["withheld", null]]);
});

test("STOP while something runs", async () => {
  const { person, joined } = await met(["system.processes:seconds=10"]);
  await person.press("yes");
  await person.press("allow");
  await person.reads("Looking: See which programs");
  const pressed = Date.now();
  await person.stop.click();
  await person.over();
  assert.ok(Date.now() - pressed < 5_000, "what runs isn't waited for");
  await person.reads("Everything is stopped.");
  const text = await person.page.locator("body").innerText();
  assert.match(text, /You ended the session\./);
  assert.equal(await person.stop.count(), 0);
  assert.doesNotMatch(await person.page.title(), /●/);
  assert.notEqual(await joined.ended(), 0);
  assert.ok(results(joined).every((said) => said.report === null), JSON.stringify(joined.said));
});
