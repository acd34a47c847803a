// The record on the auditor's page: with the mouse, with the keyboard alone, and what stands beside what.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Audit } from "./auditor.mjs";
import { speak } from "./look.mjs";
import { sessions } from "./states/auditor.mjs";
import { World } from "./world.mjs";

let world, auditor;
before(async () => {
  world = await World.start();
  auditor = await world.auditor();
  await sessions(world, await world.technician("Ana"));
});
afterEach(() => world.clear());
after(() => world?.end());

test("consent stands beside action; words, once opened, are found; files are kept", async () => {
  const audit = await Audit.open(await world.context(), await auditor.opens());
  const { page } = audit;
  await audit.works("/fetch");
  await audit.sees(page.locator("tbody tr"), "the sessions");
  assert.equal(await page.locator("tbody tr").count(), 2);

  // Filters are an address, in either language.
  await page.locator("details summary").first().click();
  await page.locator("#kind").selectOption("result");
  await page.locator("form[role=search] button[type=submit]").click();
  await page.waitForURL(/kind=result/);
  assert.equal(await page.locator("tbody tr").count(), 1, "one session had a result");
  await speak(page, "es");
  assert.match(page.url(), /kind=result/);
  assert.equal(await page.locator("tbody tr").count(), 1);
  await speak(page, "en");

  await page.locator('a[href^="/session/"]').first().click();
  await page.locator("ol.feed").waitFor();
  const action = page.locator("ol.feed li", { has: page.locator('[role=group] a[href^="#e"]') }).first();
  const consent = (await action.locator("[role=group] a").first().getAttribute("href")).slice(1);
  assert.match(await page.locator(`#${consent} h3`).innerText(), /allowed at this PC/, "what was done leads to the answer that allowed it");
  assert.equal(await page.getByText("holiday films").count(), 0, "words stay closed until they are asked for");
  await audit.works("/open-session");
  await audit.sees(page.getByText("holiday films"), "what was said");
  // Rules of who may read words: the log says that somebody looked.
  await audit.to("/");
  await audit.looksFor("HOLIDAY films");
  const place = page.locator('table[aria-labelledby="places"] a, a[href*="#e"]').first();
  await audit.sees(place, "the place");
  const entry = (await place.getAttribute("href")).split("#")[1];
  await place.click();
  await page.waitForURL(new RegExp(`#${entry}$`));
  assert.match(await page.locator(`#${entry}`).innerText(), /holiday films/);

  await audit.to("/export");
  const saving = page.waitForEvent("download");
  await page.locator('a[href^="/download/sessions.csv"]').click();
  const file = join(world.folder, "sessions.csv");
  await (await saving).saveAs(file);
  assert.equal((await readFile(file, "utf8")).trim().split("\n").length, 3, "a heading and two sessions");
  await audit.press("/close");
  assert.equal(await audit.program.ended(), 0);
});

test("with the keyboard alone, from the verification to its verdict", async () => {
  const audit = await Audit.open(await world.context(), await auditor.opens());
  const { page } = audit;
  const { keyboard } = page;
  /** Goes on with Tab until there; every stop on the way shows where it is. */
  const go = async (to) => {
    for (let i = 0; i < 80; i++) {
      await keyboard.press("Tab");
      const [there, outline, name] = await page.evaluate((to) => {
        const one = document.activeElement;
        return [one.matches(to), getComputedStyle(one).outlineStyle, one.tagName];
      }, to);
      if (name !== "BODY") assert.notEqual(outline, "none", `nobody sees that a ${name} has the focus`);
      if (there) return;
    }
    throw new Error(`Tab never came to ${to}`);
  };
  await go('nav a[href="/verify"]');
  await keyboard.press("Enter");
  await page.waitForURL(/verify$/);
  await go('form[action="/verify"] button');
  await keyboard.press("Enter");
  await audit.sees(page.locator(".severity.ok"), "the verdict");
  assert.match(await page.locator("#about").innerText(), /INTACT/);
  await go('nav a[href="/trends"]');
  await keyboard.press("Enter");
  await page.waitForURL(/trends/);
  assert.equal(await page.locator("svg.chart").count(), 6);
  const cells = await page.locator("tbody tr").first().locator("td").allInnerTexts();
  assert.deepEqual([cells[0], cells[2]], ["2", "1"], "two sessions, one denied");
  await go('form[action="/close"] button');
  await keyboard.press("Space");
  assert.equal(await audit.program.ended(), 0);
});
