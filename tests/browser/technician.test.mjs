// Sessions on the technician's page: with the mouse, with the keyboard alone, and without script.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Person } from "./person.mjs";
import { Desk } from "./technician.mjs";
import { World, until } from "./world.mjs";

let world, ana;
before(async () => {
  world = await World.start();
  ana = await world.technician("Ana");
});
afterEach(() => world.clear());
after(() => world?.end());

/** The person, before their code, and the technician, before the form. */
async function both(options = {}) {
  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  const code = await person.begin();
  const desk = await Desk.open(await world.context(options), await ana.opens());
  return { agent, person, code, desk, page: desk.page };
}

const RANKS = ["critical", "warning", "unknown", "ok"];

test("a whole session with a goal", async () => {
  const { agent, person, code, desk, page } = await both();
  assert.match(await page.locator("main").innerText(), /Ana/);
  // Words of both lists are completed as the code is typed.
  const [number, first] = code.split("-");
  await page.locator("#code").pressSequentially(`${number}-${first.slice(0, 3)}`);
  await page.locator(`#code-words option[value="${number}-${first}"]`).waitFor({ state: "attached" });

  // What the person will read is shown before it is asked for, word for word.
  await page.locator("#goal-slow-computer summary").click();
  const preview = page.locator('#goal-slow-computer section[lang="en"]');
  const promised = await preview.locator("li").allInnerTexts();
  assert.ok(promised.length > 10);
  await desk.begin(code, { goal: "slow-computer", reason: "To see why it is slow." });
  await person.press("yes");
  await person.asked("allow");
  // What a box that isn't ticked would bring isn't on the card.
  for (;;) {
    const box = person.page.locator("#card input[name=box]:not(:checked)");
    if ((await box.count()) === 0) break;
    await person.tick(box.first());
  }
  const card = (await person.card.innerText()).replace(/\s+/g, " ");
  assert.match(await page.title(), /^● Waiting for the person · /);
  assert.deepEqual(promised.filter((line) => !card.includes(line.replace(/\s+/g, " ").trim())), [], card);
  await person.press("allow");
  // What is personal waits for the person once more, each by itself.
  await until("every result", async () => {
    if ((await person.button("send").count()) > 0) await person.press("send");
    return (await page.locator("#reports details").count()) > 15 && (await page.locator("#where li").count()) === 0;
  }, 90_000);
  await desk.sees(page.locator("#found .note h3"), "a likely cause");

  // The worst first; each with its evidence, its next step and where it comes from.
  const severities = await page.locator("#found > ul.found .severity").evaluateAll((all) => all.map((one) => one.classList[1]));
  assert.ok(severities.length > 0);
  assert.deepEqual(severities, severities.toSorted((one, other) => RANKS.indexOf(one) - RANKS.indexOf(other)));
  const link = page.locator("#found ul.found a").first();
  await link.click();
  const target = (await link.getAttribute("href")).slice(1);
  assert.ok(await page.locator(`details:has(#${target})`).evaluate((one) => one.open), "the report opens");

  // A refusal is no error.
  await desk.run("network.gateway");
  await person.press("deny");
  await desk.sees(page.locator("#where dt", { hasText: "Refused" }), "the refusal");
  assert.equal(await page.locator("[role=alert]:visible").count(), 0);

  // What is personal waits for the person twice.
  await desk.run("system.processes");
  await person.press("allow");
  await person.press("send");
  await desk.sees(page.locator("#reports summary", { hasText: await title("system.processes") }), "the report");

  await desk.say("Good morning.");
  await person.reads("Good morning.");
  await person.page.fill("#text", "Thank you.");
  await person.page.locator('form[action="/say"] button').click();
  await desk.reads("Thank you.");
  await person.reads("« You: “Thank you.”");
  await desk.note("Looks full.");
  await desk.say("One moment, please.");
  await person.reads("One moment, please.");
  assert.equal((await person.page.locator("body").innerText()).includes("Looks full."), false, "a note is not for the person");

  await desk.close();
  await person.over();
  const end = await page.locator("#where").innerText();
  for (const text of ["The disk was full.", "Buy a bigger one."]) assert.ok(end.includes(text), end);
  await ana.holds(await page.locator("#where code").innerText(), 30);
  await page.locator('a[href="/markdown"]').click();
  const text = await page.locator("#text").inputValue();
  for (const part of ["# ", "The disk was full.", "Buy a bigger one.", "To see why it is slow."]) assert.ok(text.includes(part), text);
  const saving = page.waitForEvent("download");
  await page.locator('a[href="/markdown.md"]').click();
  const file = join(world.folder, "ticket.md");
  await (await saving).saveAs(file);
  assert.equal(await readFile(file, "utf8"), text);
  assert.equal(text.includes(code) || (await page.content()).includes(code), false, "a code is used once and forgotten");
  await page.locator('a[href="/"]').first().click();
  await desk.press("/again");
  assert.equal(await page.inputValue("#code"), "", "the next session begins with nothing");
  await desk.press("/leave");
  assert.equal(await desk.program.ended(), 0);
  await agent.kill();
});

/** An item's English title. */
async function title(item) {
  const checks = JSON.parse(await world.done("console", ana.data, ["checks", "--json"]));
  return checks.find((one) => one.id === item).title.en;
}

test("with the keyboard alone", async () => {
  const { person, code, desk, page } = await both();
  const { keyboard } = page;
  const at = () => page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.tagName);
  /** Goes on with Tab until there; every stop on the way shows where it is. */
  const go = async (to) => {
    for (let i = 0; i < 150; i++) {
      await keyboard.press("Tab");
      const [there, outline] = await page.evaluate((to) => [document.activeElement.matches(to), getComputedStyle(document.activeElement).outlineStyle], to);
      if ((await at()) !== "BODY") assert.notEqual(outline, "none", `nobody sees that ${await at()} has the focus`);
      if (there) return;
    }
    throw new Error(`Tab never came to ${to}`);
  };
  await go("#code");
  await keyboard.type(code);
  await go("#reason");
  // Letters are letters to whoever types.
  await keyboard.type("To see case x, n and s?");
  assert.equal(await page.inputValue("#reason"), "To see case x, n and s?");
  await keyboard.press("Enter");
  await person.press("yes");
  await desk.sees(page.locator("#chat"), "the open session");
  await page.locator("body").click({ position: { x: 1, y: 1 } });

  await keyboard.press("?");
  assert.ok(await page.locator("#keys").evaluate((one) => one.open), "the keys are explained");
  await keyboard.press("s");
  assert.equal(await at(), "q");
  await keyboard.type("system.overview");
  await keyboard.press("Enter");
  await page.waitForURL(/q=system.overview/);
  await go('form[action="/run"] button');
  await keyboard.press("Enter");
  await person.press("allow");
  await desk.sees(page.locator("#reports details"), "the report");
  await keyboard.press("Escape");
  await page.evaluate(() => document.activeElement.blur());
  await keyboard.press("c");
  assert.equal(await at(), "chat");
  await keyboard.type("Done.");
  await keyboard.press("Enter");
  await person.reads("Done.");
  await page.evaluate(() => document.activeElement.blur());
  await keyboard.press("n");
  assert.equal(await at(), "note");
  // They can be switched off. (WCAG 2.1.4)
  await page.evaluate(() => document.activeElement.blur());
  await keyboard.press("?");
  await go('form[action="/keys"] button');
  await keyboard.press("Space");
  await until("the keys to be off", async () => (await page.locator("[data-key]").count()) === 0);
  await page.evaluate(() => document.activeElement.blur());
  await keyboard.press("c");
  assert.notEqual(await at(), "chat");

  await go("#outcome");
  await keyboard.type("It was full.");
  await keyboard.press("Tab");
  await keyboard.type("Nothing more.");
  await go('form[action="/close"] button');
  await keyboard.press("Enter");
  await desk.over();
  await person.over();
});

test("without script", async () => {
  const { person, code, desk, page } = await both({ javaScriptEnabled: false });
  await desk.begin(code);
  await person.press("yes");
  /** Looks again by the page's own link until it is there. */
  const looks = (what, locator) => until(what, async () => {
    await page.locator("footer a").click();
    return (await locator.count()) === 1;
  });
  await looks("the open session", page.locator("#chat"));
  await desk.run("system.overview");
  await person.press("allow");
  await looks("the report", page.locator("#reports details"));
  await desk.say("Done.");
  await person.reads("Done.");
  await page.fill("#outcome", "It was full.");
  await page.fill("#next", "Nothing more.");
  await desk.press("/close");
  await looks("the end", desk.form("/again"));
  await ana.holds(await page.locator("#where code").innerText(), 8);
  await desk.press("/leave");
  assert.equal(await desk.program.ended(), 0);
});

test("the guard stands before this page too", async () => {
  const { desk, page } = await both();
  const alien = await (await world.context()).newPage();
  const answer = await alien.goto(`${desk.program.origin}/`);
  assert.equal(answer.status(), 403, "another browser");
  const again = await alien.goto(desk.program.launch);
  assert.equal(again.status(), 410, "a launch token opens once");
  const { headers, status } = await page.evaluate(async () => {
    const answer = await fetch("/");
    return { status: answer.status, headers: Object.fromEntries(answer.headers) };
  });
  assert.equal(status, 200);
  assert.match(headers["content-security-policy"], /default-src 'none'[\s\S]*frame-ancestors 'none'/);
  assert.equal(headers["cache-control"], "no-store");
  await desk.press("/leave");
  assert.equal(await desk.program.ended(), 0);
});
