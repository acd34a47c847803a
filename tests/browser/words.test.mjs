// The page speaks the person's language, and so does the record of what they were shown.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { speak } from "./look.mjs";
import { Person } from "./person.mjs";
import { World } from "./world.mjs";

let world, ana;
before(async () => {
  world = await World.start();
  ana = await world.technician("Ana");
});
afterEach(() => world.clear());
after(() => world?.end());

test("the browser's language is taken", async () => {
  for (const [locale, lang, heading] of [["es-ES", "es", "Ayuda con este equipo"], ["es-MX", "es", "Ayuda con este equipo"], ["en-US", "en", "Help with this computer"],
    ["fr-FR", "en", "Help with this computer"]]) {
    const person = await Person.open(await world.context({ locale }), await world.agent());
    assert.equal(await person.page.locator("html").getAttribute("lang"), lang, locale);
    assert.equal(await person.page.locator("h1").innerText(), heading);
  }
});

test("another language keeps the question and what was typed and chosen; the record has the one that was answered", async () => {
  const agent = await world.agent();
  const person = await Person.open(await world.context({ locale: "es-ES" }), agent);
  const { page } = person;
  await page.fill("#about", "Va lento.");
  await page.fill("#called", "María");
  await speak(page, "en");
  assert.equal(await page.inputValue("#about"), "Va lento.");
  assert.equal(await page.inputValue("#called"), "María");
  await speak(page, "es");
  await page.locator('form[action="/begin"] button[type=submit]').click();
  const joined = ana.join(await person.code(), { run: ["system.overview"] });
  await person.asked("yes");
  assert.match(await person.card.innerText(), /¿Es la persona con quien usted se puso en contacto\?/);
  await person.press("yes");
  await person.asked("allow");
  assert.match(await person.card.innerText(), /Por qué, en sus propias palabras/);
  assert.match(await page.title(), /^● Ana tiene conexión · /);
  await page.fill("#text", "Un momento, por favor.");
  await page.locator('input[name=time][value="10"]').check();
  await page.locator("button[name=to][value=en]").focus();
  await page.keyboard.press("Space");
  await page.locator("html[lang=en]").waitFor({ state: "attached" });
  await person.sees(person.card.getByText("Why, in their own words"));
  assert.equal(await page.inputValue("#text"), "Un momento, por favor.");
  assert.ok(await page.locator('input[name=time][value="10"]').isChecked());
  assert.equal(await page.evaluate(() => document.activeElement.name), "to", "the focus stays at the languages");
  assert.equal(await person.button("allow").getAttribute("aria-disabled"), "true", "another question must be read first");
  await person.press("allow");
  const consent = await joined.event("consent");
  assert.deepEqual([consent.answer, consent.minutes], ["yes", 10]);
  await person.over();
  assert.equal(await joined.ended(), 0);
  const session = joined.said.find((said) => said.event === "paired").session;
  await person.button("not-now").click();
  await page.locator('form[action="/leave"] button').click();
  await agent.ended();
  const shown = await world.run("agent", agent.data, ["show", session, "--json"]);
  assert.equal(shown.exit, 0, shown.errors);
  const text = shown.lines.join("\n");
  assert.match(text, /Why, in their own words/);
  assert.doesNotMatch(text, /Por qué, en sus propias palabras/);
  assert.match(text, /Verified: you know this help service|Verificado: usted ya conocía este servicio/, "the arrival in the language it had");
});
