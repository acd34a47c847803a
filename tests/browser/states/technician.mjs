// Every state of the technician's page. The tests look at each; the pictures are of each.

import { Person } from "../person.mjs";
import { Desk } from "../technician.mjs";

/** The states that the walks come through, in their order. */
export const STATES = [
  "not-enrolled", "start", "chosen", "no-code", "waiting", "found", "reports", "catalogue", "watched", "talk", "closed", "to-copy", "left",
  "wrong-code", "refused", "preview-waits", "paused", "offline", "lost",
];

/** A whole session with a goal, from the first page to the last. */
export async function whole(world, technician, look) {
  const stranger = await Desk.open(await world.context(), await world.stranger().opens());
  await look(stranger.page, "not-enrolled");
  await stranger.press("/leave");

  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  const code = await person.begin();
  const desk = await Desk.open(await world.context(), await technician.opens());
  const { page } = desk;
  await look(page, "start");
  await page.locator("#goal-slow-computer summary").click();
  await look(page, "chosen");
  // The browser holds back what is no code; where it doesn't, the server says why.
  await page.evaluate(() => { document.querySelector('form[action="/begin"]').noValidate = true; });
  await desk.begin("417-lobo", { goal: "slow-computer" });
  await page.locator("#notice .warn").waitFor();
  await look(page, "no-code");
  await desk.begin(code, { goal: "slow-computer", scopes: ["hardware", "system", "network"] });
  await person.press("yes");
  await person.asked("allow");
  await desk.sees(page.locator("#where .note"), "that the person reads a question");
  await look(page, "waiting");
  await person.press("allow");
  await desk.sees(page.locator("#found .note h3"), "a likely cause");
  await desk.rests();
  await look(page, "found");
  for (const report of await page.locator("#reports details").all()) await report.evaluate((one) => { one.open = true; });
  await look(page, "reports");
  await desk.finds("cache");
  await look(page, "catalogue");
  await desk.press("/watch");
  await desk.sees(page.locator("#watched svg.chart"), "a chart");
  for (const table of await page.locator("#watched details").all()) await table.evaluate((one) => { one.open = true; });
  await look(page, "watched");
  await desk.press("/watch");
  await desk.say("Good morning. I have looked at everything.");
  await desk.note("The disk is nearly full.");
  await page.locator("#keys").evaluate((one) => { one.open = true; });
  await look(page, "talk");
  await desk.close();
  await look(page, "closed");
  await page.locator('a[href="/markdown"]').click();
  await page.locator("#text").waitFor();
  await look(page, "to-copy");
  await page.locator('a[href="/"]').first().click();
  await desk.press("/leave");
  await desk.form("/leave").waitFor({ state: "detached" });
  await look.last?.(page, "left");
  await desk.program.ended();
}

/** What goes wrong: a wrong code, a no, a preview, a pause. */
export async function troubled(world, technician, look) {
  const desk = await Desk.open(await world.context(), await technician.opens());
  const { page } = desk;
  await desk.begin("999999-lobo-cobre");
  await desk.sees(page.locator("#start .warn"), "that the code was wrong");
  await look(page, "wrong-code");

  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  await desk.begin(await person.begin());
  await person.press("yes");
  await desk.sees(page.locator("#chat"), "the open session");
  await desk.run("network.gateway");
  await person.press("deny");
  await desk.sees(page.locator("#where dt", { hasText: /Refused|Rechazado/ }), "that it was refused");
  await look(page, "refused");
  await desk.run("system.processes");
  await person.press("allow");
  await person.asked("send");
  await look(page, "preview-waits");
  await person.press("keep");

  await person.page.goto("about:blank");
  await desk.sees(page.locator(".live", { hasText: /Paused|pausa/ }), "the pause", 60_000);
  await look(page, "paused");
  await person.page.goto(agent.origin);
  await person.press("yes");
  await desk.sees(page.locator(".live", { hasText: /Connected|Conectado/ }), "the session again");
  await desk.end();
  await agent.kill();
}

/** The help service goes away in the middle of a session. `world` is one of its own: nobody else may need its relay. */
export async function alone(world, look) {
  const technician = await world.technician("Eva");
  const desk = await Desk.open(await world.context(), await technician.opens());
  const { page } = desk;
  const person = await Person.open(await world.context(), await world.agent());
  await desk.begin(await person.begin());
  await person.press("yes");
  await desk.sees(page.locator("#chat"), "the open session");
  world.relay.child.kill("SIGTERM");
  await desk.sees(page.locator(".live", { hasText: /Offline|Sin conexión/ }), "that it is offline");
  await look(page, "offline");
  await desk.sees(desk.form("/again"), "the end", 60_000);
  await look(page, "lost");
  await desk.press("/leave");
  await desk.program.ended();
}
