// What somebody says, and is called, stays text on everybody else's page: no element comes of it, nothing leaves the page,
// nothing sticks out, and what deceives the eye is visible.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";
import { misfits } from "./look.mjs";
import { Audit } from "./auditor.mjs";
import { Person } from "./person.mjs";
import { Desk } from "./technician.mjs";
import { World, until } from "./world.mjs";

const corpus = JSON.parse(await readFile(new URL("hostile.json", import.meta.url), "utf8"));
/** As many as the page shows of a feed, less what else happens. */
const BATCH = 90;

let world;
before(async () => { world = await World.start(); });
afterEach(() => world.clear());
after(() => world?.end());

/** Characters that can't be seen or change how others look. */
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ue000-\uf8ff\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]/gu;
const visible = (text) => text.replace(DECEPTIVE, (one) => `⟨${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
// A console trims the lines it reads by Unicode's idea of white space: with U+0085 and without U+FEFF, unlike JavaScript's.
const SPACE = "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const trimmed = (text) => text.replace(new RegExp(`^${SPACE}|${SPACE}$`, "g"), "");
const flat = (text) => text.replace(/[\s\u0085]+/gu, " ").trim();

/** What each page is made of: its elements, where its forms lead, and what holds nothing but text. */
const PAGES = {
  person: {
    elements: `a blockquote button code dd details div dl dt fieldset footer form h1 h2 h3 header input label legend li main noscript ol p section
      span strong summary textarea time ul`.split(/\s+/),
    forms: ["/stop", "/language", "/answer", "/say", "/leave"],
    texts: ".feed li, blockquote p, .live, title",
  },
  technician: {
    elements: `a button code dd details div dl dt footer form h1 h2 h3 header input kbd label li main noscript ol p span strong summary textarea
      time ul`.split(/\s+/),
    forms: ["/", "/language", "/say", "/note", "/close", "/end", "/keys", "/watch", "/again", "/leave"],
    texts: ".live, title",
  },
  auditor: {
    elements: `a blockquote br button dd details div dl dt footer form h1 h2 h3 header input li main nav noscript ol p pre span strong summary
      time ul`.split(/\s+/),
    forms: ["/language", "/open-session", "/close"],
    texts: "title",
  },
};

/** Nothing of it became anything but text. */
async function harmless(page, what, face = PAGES.person) {
  const found = await page.evaluate((face) => ({
    pwned: globalThis.pwned,
    scripts: document.querySelectorAll("script").length,
    strange: [...document.querySelectorAll("body *")].map((one) => one.localName).filter((name) => !face.elements.includes(name)),
    within: [...document.querySelectorAll(face.texts)].filter((one) => one.children.length > 0).map((one) => one.innerHTML.slice(0, 100)),
    handlers: [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes]).filter((one) => one.name.startsWith("on") || one.name === "style" || /^\s*(javascript|data):/i.test(one.value) && one.name === "href" && one.ownerElement.localName === "a").map((one) => one.name),
    text: document.body.innerText.replaceAll("\n", " ").replaceAll("\t", " "),
    title: document.title,
    forms: [...document.forms].map((form) => new URL(form.action).pathname).filter((path) => !face.forms.includes(path)),
  }), face);
  assert.deepEqual([found.pwned, found.scripts, found.strange, found.within, found.handlers, found.forms], [undefined, 1, [], [], [], []], what);
  assert.deepEqual((found.text + found.title).match(DECEPTIVE) ?? [], [], what);
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 700 });
    assert.deepEqual(await misfits(page), [], `${what}, ${width} pixels`);
  }
}

test(`${corpus.length} hostile lines`, async () => {
  assert.ok(corpus.length >= 200 && new Set(corpus).size === corpus.length);
  const technician = await world.technician("Ana");
  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  const { page } = person;
  const elsewhere = [];
  page.on("request", (request) => { if (!request.url().startsWith(agent.origin)) elsewhere.push(request.url()); });
  page.on("dialog", (dialog) => { elsewhere.push(dialog.message()); dialog.dismiss(); });
  const joined = technician.join(await person.begin(), { interactive: true, json: false });
  await person.press("yes");
  // What is typed before that is lost.
  await joined.told("The person knows you.");
  for (let from = 0; from < corpus.length; from += BATCH) {
    const batch = corpus.slice(from, from + BATCH);
    for (const line of batch) joined.say(`chat ${line}`);
    joined.say(`chat end of ${from}`);
    await person.reads(`end of ${from}`).catch((error) => { throw new Error(`${joined.account()}\n${error.message}`); });
    const shown = new Set((await page.locator(".feed li").allTextContents()).map(flat));
    for (const line of batch) {
      const expected = flat(`» Ana says: “${visible(trimmed(line))}”`);
      assert.ok(shown.has(expected), `${JSON.stringify(line)} isn't shown as ${expected}\n${[...shown].find((one) => one.includes(flat(visible(trimmed(line))).slice(0, 20)))}`);
    }
    await harmless(page, `lines from ${from}`);
  }
  assert.deepEqual(elsewhere, []);
  await person.stop.click();
  await person.over();
  await joined.ended();
});

const NAMES = ["<img src=x onerror=window.pwned=1>", "Ana\u202e gnp.exe \u2066", "W".repeat(64), "</title><script>window.pwned=1</script>"];
const REASONS = ["</blockquote><button name=do value=allow>Allow</button>", "\u202eevas ot wollA\u2069 \u200b", "W".repeat(200), "\"' onmouseover=window.pwned=1 x=\"{ $name }"];

test("hostile names and reasons, from the arrival to the receipt", async () => {
  for (const [i, name] of NAMES.entries()) {
    const technician = await world.technician(name);
    const agent = await world.agent();
    const person = await Person.open(await world.context(), agent);
    const { page } = person;
    const joined = technician.join(await person.begin(), { run: ["system.overview"], reason: REASONS[i] });
    await person.asked("yes");
    await harmless(page, `arrival of ${visible(name)}`);
    assert.ok(flat(await person.card.innerText()).includes(flat(visible(name))), visible(name));
    await person.press("yes");
    await person.asked("allow");
    await harmless(page, `card of ${visible(name)}`);
    assert.equal(await page.locator("button[value=allow]").count(), 1);
    assert.equal(flat(await page.locator("blockquote").innerText()), flat(`“${visible(REASONS[i])}”`));
    assert.ok((await page.title()).startsWith(flat(`● ${visible(name)} is connected`)), await page.title());
    await person.press("allow");
    await person.over();
    await until("the end of the session", async () => (await person.stop.count()) === 0);
    await harmless(page, `receipt of ${visible(name)}`);
    assert.equal(await joined.ended(), 0);
    await world.clear();
  }
});

test("what a person says, on the technician's and the auditor's page", async () => {
  const technician = await world.technician("Eva");
  const auditor = await world.auditor();
  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  const desk = await Desk.open(await world.context(), await technician.opens());
  const elsewhere = [];
  const watched = (page, origin) => {
    page.on("request", (request) => { if (!request.url().startsWith(origin)) elsewhere.push(request.url()); });
    page.on("dialog", (dialog) => { elsewhere.push(dialog.message()); dialog.dismiss(); });
  };
  watched(desk.page, desk.program.origin);
  await desk.begin(await person.begin());
  await person.press("yes");
  await person.page.locator("#text").waitFor();
  // A field of one line has no ends of lines, and what is only space is nothing.
  const said = corpus.map((line) => trimmed(line.replace(/[\r\n]/g, ""))).filter((line) => line !== "");
  for (let from = 0; from < said.length; from += BATCH) {
    const batch = said.slice(from, from + BATCH);
    for (const line of [...batch, `end of ${from}`]) {
      await person.page.evaluate((line) => {
        document.getElementById("text").value = line;
        document.querySelector('form[action="/say"]').requestSubmit();
      }, line);
      await person.page.waitForFunction(() => document.getElementById("text").value === "");
    }
    await desk.reads(`end of ${from}`);
    const shown = new Set((await desk.page.locator("#news li").allTextContents()).map((line) => flat(line.replace(/^\S+ /, ""))));
    for (const line of batch) assert.ok(shown.has(flat(`They say: ${visible(line)}`)), `${JSON.stringify(line)}\n${[...shown].slice(0, 3).join("\n")}`);
    await harmless(desk.page, `technician's page, lines from ${from}`, PAGES.technician);
  }
  await desk.close();

  const audit = await Audit.open(await world.context(), await auditor.opens());
  watched(audit.page, audit.program.origin);
  await audit.works("/fetch");
  await audit.page.locator('a[href^="/session/"]').first().click();
  await audit.works("/open-session");
  await audit.sees(audit.page.locator("blockquote", { hasText: "end of 0" }), "what was said");
  const shown = new Set((await audit.page.locator("blockquote").allTextContents()).map(flat));
  for (const line of said) assert.ok(shown.has(flat(visible(line))), JSON.stringify(line));
  await harmless(audit.page, "auditor's page", PAGES.auditor);
  assert.deepEqual(elsewhere, []);
});
