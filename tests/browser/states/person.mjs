// Every state of the person's page, one after the other, in three sessions. The tests look at each; the pictures are of each.

import { Person } from "../person.mjs";

/** The states that `walk` comes through, in its order. */
export const STATES = [
  "welcome", "code", "arriving", "arrival-first", "session", "chat", "card", "running", "preview", "sent", "signing", "receipt", "left",
  "arrival-known", "bundle", "too-soon", "elsewhere", "resume", "stopped",
  "nobody", "failed",
];

/** A whole session with somebody new, who types; until the program has ended. */
export async function whole(world, technician, look) {
  const agent = await world.agent({ known: false });
  const person = await Person.open(await world.context(), agent);
  const { page } = person;
  await look(page, "welcome");
  const code = await person.begin({ about: "It is slow.", since: "Monday", called: "María" });
  await look(page, "code");
  const joined = technician.join(code, { interactive: true, reason: "To see what makes it slow." });
  await page.locator(".feed li").first().waitFor();
  await look(page, "arriving");
  await person.asked("yes");
  await look(page, "arrival-first");
  await person.press("yes");
  await page.locator("#text").waitFor();
  await look(page, "session");
  joined.say("chat Good morning, María. I am looking now.");
  await person.reads("Good morning");
  await page.fill("#text", "Thank you.");
  await look(page, "chat");
  joined.say("run system.processes:seconds=10");
  await person.asked("allow");
  await look(page, "card");
  await person.press("allow");
  await page.locator(".feed li", { hasText: /^(Looking|Mirando|Consultando)/ }).or(page.locator(".feed li").first()).first().waitFor();
  await look(page, "running");
  await person.asked("send");
  await look(page, "preview");
  await person.press("send");
  await joined.event("result");
  await look(page, "sent");
  for (const line of ["close", "The disk was full.", "Buy a bigger one."]) joined.say(line);
  await person.over();
  await person.asked("sign");
  await look(page, "signing");
  await page.locator('input[name=stars][value="5"]').check();
  await person.press("sign");
  await person.button("sign").waitFor({ state: "detached" });
  await look(page, "receipt");
  await page.locator('form[action="/leave"] button').click();
  await page.locator('form[action="/leave"]').waitFor({ state: "detached" });
  await look.last?.(page, "left");
  await agent.ended();
}

/** A bundle, two tabs, a pause and STOP. */
export async function interrupted(world, technician, look) {
  const agent = await world.agent();
  const context = await world.context();
  const person = await Person.open(context, agent);
  const joined = technician.join(await person.begin(), { run: [], goal: "slow-computer", json: false });
  await person.asked("yes");
  await look(person.page, "arrival-known");
  await person.press("yes");
  await person.asked("allow");
  await look(person.page, "bundle");
  // As somebody without script would: the server answers.
  await person.tick(person.page.locator("#card input[name=box]:checked").first());
  await person.page.evaluate(() => {
    document.querySelector('button[value="allow"]').removeAttribute("aria-disabled");
    document.querySelector('button[value="allow"]').click();
  });
  await person.page.locator("#card .warn").waitFor();
  await look(person.page, "too-soon");
  const second = await context.newPage();
  await second.goto(agent.origin);
  await second.locator("section.card").waitFor();
  // The first one hears of it when it is looked at.
  await person.page.bringToFront();
  await person.page.locator('#where a[href="/"]').waitFor();
  await look(person.page, "elsewhere");
  await second.close();
  await person.page.goto("about:blank");
  await joined.told("Paused", 60_000);
  await person.page.goto(agent.origin);
  await person.asked("yes");
  await look(person.page, "resume");
  await person.stop.click();
  await person.over();
  await look(person.page, "stopped");
  await joined.ended();
}

/** Nobody came; and nobody could be asked. */
export async function alone(world, look) {
  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  await person.begin();
  await person.stop.click();
  await person.page.locator('form[action="/leave"]').waitFor();
  await look(person.page, "nobody");
  // Port 9 of this computer: nobody answers there.
  const [, fingerprint] = world.address.split("#");
  const lost = await world.agent({ relay: `venia://127.0.0.1:9#${fingerprint}` });
  const other = await Person.open(await world.context(), lost);
  await other.page.fill("#about", "It is slow.");
  await other.page.locator('form[action="/begin"] button[type=submit]').click();
  await other.page.locator("#where .warn").waitFor({ timeout: 60_000 });
  await look(other.page, "failed");
}
