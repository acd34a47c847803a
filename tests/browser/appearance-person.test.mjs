// Every state of the person's page in both languages, light and dark, narrow and wide: nobody is kept out and nothing sticks out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { every } from "./look.mjs";
import { STATES, alone, interrupted, whole } from "./states/person.mjs";
import { World } from "./world.mjs";

let world, ana, eva;
before(async () => {
  world = await World.start();
  ana = await world.technician("Ana");
  eva = await world.technician("Eva");
});
after(() => world?.end());

test("every state of the person's page", async () => {
  const walks = [(at) => whole(world, ana, at), (at) => interrupted(world, eva, at).then(() => alone(world, at))];
  await every(STATES, walks, async (page, state) => {
    if (state !== "receipt") return;
    await printed(page);
    await page.emulateMedia({ media: "screen", colorScheme: "light" });
  });
});

/** On paper the receipt is black on white, without anything to press. */
async function printed(page) {
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const selector of ["header", "footer", "form", ".gone"]) {
    for (const one of await page.locator(selector).all()) assert.equal(await one.isVisible(), false, `${selector} is printed`);
  }
  const text = await page.locator("main").innerText();
  for (const part of ["The disk was full.", "Ana ("]) assert.ok(text.includes(part), text);
  const faint = await page.evaluate(() => [...document.querySelectorAll("main *")]
    .filter((one) => one.offsetParent && one.textContent.trim() && /^rgb\((2[0-9]{2}|1[6-9]\d)/.test(getComputedStyle(one).color))
    .map((one) => `${one.tagName} ${getComputedStyle(one).color}`));
  assert.deepEqual(faint, [], "readable on white");
  const paper = await page.pdf({ format: "A4" });
  assert.equal(paper.subarray(0, 5).toString(), "%PDF-");
}

test("who wants less motion gets none", async () => {
  const agent = await world.agent();
  for (const [reducedMotion, moves] of [["reduce", false], ["no-preference", true]]) {
    const context = await world.context({ reducedMotion });
    const page = await context.newPage();
    if (!moves) await page.goto(agent.launch);
    else {
      await context.addCookies(await [...world.contexts].at(-2).cookies());
      await page.goto(`${agent.origin}/`);
    }
    const moving = await page.evaluate(() => [...document.querySelectorAll("*")].some((one) => {
      const { transitionDuration, animationName } = getComputedStyle(one);
      return animationName !== "none" || transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
    }));
    assert.equal(moving, moves, reducedMotion);
  }
});
