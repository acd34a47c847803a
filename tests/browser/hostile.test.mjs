// What a technician says, and is called, stays text: no element comes of it, nothing leaves the page, nothing sticks out, and
// what deceives the eye is visible.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";
import { misfits } from "./look.mjs";
import { Person } from "./person.mjs";
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

/** Nothing of it became anything but text. */
async function harmless(page, agent, what) {
  const found = await page.evaluate(() => ({
    pwned: globalThis.pwned,
    scripts: document.querySelectorAll("script").length,
    strange: [...document.querySelectorAll("body *")].map((one) => one.localName)
      .filter((name) => !["a", "blockquote", "button", "code", "dd", "details", "div", "dl", "dt", "fieldset", "footer", "form", "h1", "h2", "h3",
        "header", "input", "label", "legend", "li", "main", "noscript", "ol", "p", "section", "span", "strong", "summary", "textarea", "time", "ul"].includes(name)),
    within: [...document.querySelectorAll(".feed li, blockquote p, .live, title")].filter((one) => one.children.length > 0).map((one) => one.innerHTML.slice(0, 100)),
    handlers: [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes]).filter((one) => one.name.startsWith("on") || one.name === "style" || /^\s*(javascript|data):/i.test(one.value) && one.name === "href" && one.ownerElement.localName === "a").map((one) => one.name),
    text: document.body.innerText.replaceAll("\n", " ").replaceAll("\t", " "),
    title: document.title,
    forms: [...document.forms].map((form) => new URL(form.action).pathname).filter((path) => !["/stop", "/language", "/answer", "/say", "/leave"].includes(path)),
  }));
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
    await harmless(page, agent, `lines from ${from}`);
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
    await harmless(page, agent, `arrival of ${visible(name)}`);
    assert.ok(flat(await person.card.innerText()).includes(flat(visible(name))), visible(name));
    await person.press("yes");
    await person.asked("allow");
    await harmless(page, agent, `card of ${visible(name)}`);
    assert.equal(await page.locator("button[value=allow]").count(), 1);
    assert.equal(flat(await page.locator("blockquote").innerText()), flat(`“${visible(REASONS[i])}”`));
    assert.ok((await page.title()).startsWith(flat(`● ${visible(name)} is connected`)), await page.title());
    await person.press("allow");
    await person.over();
    await until("the end of the session", async () => (await person.stop.count()) === 0);
    await harmless(page, agent, `receipt of ${visible(name)}`);
    assert.equal(await joined.ended(), 0);
    await world.clear();
  }
});
