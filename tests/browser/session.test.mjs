// A whole session with the mouse, and one with the keyboard alone.

import assert from "node:assert/strict";
import { join } from "node:path";
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

test("with the mouse, at a service this computer never met", async () => {
  const agent = await world.agent({ known: false });
  const person = await Person.open(await world.context(), agent);
  const { page } = person;
  assert.match(await page.locator("main").innerText(), /Nothing has been shared yet\./);
  assert.equal(new URL(page.url()).pathname, "/", "the launch token left the address bar");
  const code = await person.begin({ about: "It is slow.", since: "Monday", called: "María" });
  assert.match(await page.locator("main").innerText(), /Only give this code to someone you contacted\./);
  const spelled = (await page.locator(".spelling [translate=no]").innerText()).replaceAll(/[\s—]/g, "");
  assert.equal(spelled.toLowerCase(), code.replaceAll("-", ""));

  const joined = ana.join(code, { run: ["system.overview", "system.processes"] });
  const arrived = Date.now();
  await person.reads("please wait 10 seconds");
  await person.asked("yes");
  assert.ok(Date.now() - arrived > 8_000, "a service that is new here waits");
  assert.match(await person.card.innerText(), /First time with this help service[\s\S]*Is this the person you contacted\?/);
  await person.press("yes");

  await person.asked("allow");
  assert.match(await page.title(), /^● Ana is connected · /);
  const card = await person.card.innerText();
  const order = ["Who", "Ana (", "What", "See what kind of computer", "Why, in their own words", "“To see why it is slow.”",
    "What they will receive", "What it cannot do", "It changes nothing on this computer.", "How long"];
  let at = 0;
  for (const text of order) {
    const next = card.indexOf(text, at);
    assert.notEqual(next, -1, `“${text}” after ${at} in:\n${card}`);
    at = next;
  }
  const [no, yes] = await Promise.all(["deny", "allow"].map((does) => person.button(does).boundingBox()));
  assert.equal(no.height, yes.height);
  assert.ok(Math.abs(no.width - yes.width) < 1 && no.height >= 44, "equal buttons");
  assert.notEqual(await page.evaluate(() => document.activeElement.value), "allow", "Allow has no focus");
  await page.locator('input[name=time][value="10"]').check();
  // What is personal isn't ticked by itself; ticking it shows the question anew, and what else was chosen stays.
  const personal = page.locator("label.box", { hasText: "reads personal data" }).locator("input");
  assert.equal(await personal.isChecked(), false);
  await person.tick(personal);
  assert.ok(await personal.isChecked());
  assert.ok(await page.locator('input[name=time][value="10"]').isChecked());
  await person.press("allow");
  const allowed = await joined.event("consent");
  assert.deepEqual([allowed.answer, allowed.minutes], ["yes", 10]);

  await person.asked("send");
  assert.match(await person.card.innerText(), /This is what Ana will see:/);
  await person.press("send");
  await person.over();
  assert.equal(await joined.ended(), 0);
  const results = joined.said.filter((said) => said.event === "result");
  assert.deepEqual(results.map((said) => [said.item, said.report !== null]), [["system.overview", true], ["system.processes", true]]);
  await person.reads("Sent to Ana: See what kind of computer");
  const receipt = await page.locator("#where").innerText();
  for (const text of ["The disk was full.", "Buy a bigger one.", "Your receipt", "Check code"]) assert.ok(receipt.includes(text), receipt);

  const saving = page.waitForEvent("download");
  await page.locator('a[href="/record"]').click();
  const download = await saving;
  assert.match(download.suggestedFilename(), /^session-[\w-]+\.zip$/);
  const file = join(world.folder, "saved.zip");
  await download.saveAs(file);
  await ana.holds(file, 8);

  await page.getByLabel("4 stars").check();
  await page.fill("#comment", "Very friendly.");
  await person.press("sign");
  await person.reads("Signed. Thank you.");
  const signing = page.waitForEvent("download");
  await page.locator('a[href="/record"]').click();
  const signed = join(world.folder, "signed.zip");
  await (await signing).saveAs(signed);
  await ana.holds(signed, 9);

  await page.locator('form[action="/leave"] button').click();
  await page.getByRole("heading", { name: "Goodbye" }).waitFor();
  assert.equal(await agent.ended(), 0);
});

test("with the keyboard alone; Enter gives nothing away", async () => {
  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  const { page } = person;
  const { keyboard } = page;
  const focused = () => page.evaluate(() => {
    const one = document.activeElement;
    return one.id || one.value || one.getAttribute("href") || one.tagName;
  });
  /** Goes on with Tab until there; every stop on the way shows where it is. */
  const go = async (to) => {
    const way = [];
    for (let i = 0; i < 60; i++) {
      await keyboard.press("Tab");
      const [at, outline] = await page.evaluate(() => {
        const one = document.activeElement;
        return [one.id || one.value || one.getAttribute("href") || one.tagName, getComputedStyle(one).outlineStyle];
      });
      way.push(at);
      if (at !== "BODY") assert.notEqual(outline, "none", `nobody sees that ${at} has the focus`);
      if (at === to) return;
    }
    throw new Error(`Tab never came to ${to}: ${way.join(" ")}`);
  };
  await go("about");
  await keyboard.type("It is slow.");
  await page.evaluate(() => { document.querySelector('form[action="/begin"] button').id = "begin"; });
  await go("begin");
  await keyboard.press("Space");
  const joined = ana.join(await person.code(), { run: ["system.processes"] });

  const answer = async (does) => {
    await person.asked(does);
    await go(does);
    await person.armed(does);
    const before = await person.card.innerText();
    await keyboard.press("Enter");
    assert.equal(await focused(), does, "Enter does nothing");
    assert.equal(await person.card.innerText(), before);
    await keyboard.press("Space");
    await person.button(does).waitFor({ state: "detached" });
  };
  await answer("yes");
  await answer("allow");
  // The line to the technician is sent with Enter, as everywhere.
  await answer("send");
  await person.over();
  assert.equal(await joined.ended(), 0);
  await person.asked("sign");
  await go("1");
  await keyboard.press("ArrowRight");
  await keyboard.press("ArrowRight");
  assert.ok(await page.locator('input[name=stars][value="3"]').isChecked());
  await go("comment");
  await keyboard.type("Thank you.");
  await answer("sign");
  await person.reads("Signed. Thank you.");
  await go("/record");
  const saving = page.waitForEvent("download");
  await keyboard.press("Enter");
  const file = join(world.folder, "keyboard.zip");
  await (await saving).saveAs(file);
  await ana.holds(file, 8);
  await page.evaluate(() => { document.querySelector('form[action="/leave"] button').id = "leave"; });
  await go("leave");
  await keyboard.press("Space");
  await page.getByRole("heading", { name: "Goodbye" }).waitFor();
  assert.equal(await agent.ended(), 0);
});
