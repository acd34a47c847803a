// A whole session without script: forms and links do everything.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Person } from "./person.mjs";
import { World, until } from "./world.mjs";

let world, ana;
before(async () => {
  world = await World.start();
  ana = await world.technician("Ana");
});
afterEach(() => world.clear());
after(() => world?.end());

test("without script", async () => {
  const agent = await world.agent();
  const person = await Person.open(await world.context({ javaScriptEnabled: false }), agent);
  const { page } = person;
  await page.fill("#about", "It is slow.");
  await page.locator('form[action="/begin"] button[type=submit]').click();
  // The page loads again by itself: nothing here presses anything to see what comes next.
  const joined = ana.join(await person.code(), { run: ["system.processes"] });
  /** The server refuses what is pressed too soon; it is pressed until it counts. */
  const answer = async (does) => {
    await person.asked(does);
    await until(`${does} to count`, async () => {
      await person.button(does).click({ timeout: 2_000 }).catch(() => {});
      return (await person.button(does).count()) === 0;
    });
  };
  await answer("yes");
  await answer("allow");
  await answer("send");
  await person.over();
  assert.equal(await joined.ended(), 0);
  await page.getByLabel("5 stars").check();
  await page.fill("#comment", "Thank you.");
  await answer("sign");
  await person.reads("Signed. Thank you.");
  const saving = page.waitForEvent("download");
  await page.locator('a[href="/record"]').click();
  const file = join(world.folder, "scriptless.zip");
  await (await saving).saveAs(file);
  await ana.holds(file, 8);
  await page.locator('form[action="/leave"] button').click();
  await page.getByRole("heading", { name: "Goodbye" }).waitFor();
  assert.equal(await agent.ended(), 0);
});
