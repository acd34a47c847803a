// Every state of the auditor's page. The tests look at each; the pictures are of each.

import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Audit } from "../auditor.mjs";
import { Person } from "../person.mjs";

/** The states that the walk comes through, in its order. */
export const STATES = [
  "no-copy", "sessions", "none", "by-day", "session", "words", "said", "trends", "verify", "intact", "export", "written", "broken", "closed",
];

/** What the technician says at the end of the session that is looked for. */
const SAID = "The disk was full of holiday films.";

/** Two sessions for the record: one with results and a rating, one in which the person said no. */
export async function sessions(world, technician) {
  const one = async (answer, then) => {
    const agent = await world.agent();
    const person = await Person.open(await world.context(), agent);
    const joined = technician.join(await person.begin(), { interactive: true });
    await person.press("yes");
    await person.page.locator("#text").waitFor();
    joined.say("run system.overview");
    await person.press(answer);
    await joined.event(answer === "allow" ? "result" : "refused");
    for (const line of ["close", SAID, "Buy a bigger one."]) joined.say(line);
    await person.asked("sign");
    await then(person);
    await joined.ended();
    await agent.kill();
  };
  await one("allow", async (person) => {
    await person.page.locator('input[name=stars][value="4"]').check();
    await person.press("sign");
    await person.button("sign").waitFor({ state: "detached" });
  });
  await one("deny", async () => {});
}

/** From the first page to the last. */
export async function reads(world, technician, look) {
  const auditor = await world.auditor();
  await sessions(world, technician);
  const audit = await Audit.open(await world.context(), await auditor.opens());
  const { page } = audit;
  await look(page, "no-copy");
  await audit.works("/fetch");
  await audit.sees(page.locator('a[href^="/session/"]'), "sessions");
  await look(page, "sessions");
  await page.goto(`${audit.program.origin}/?from=2999-01-01`);
  await look(page, "none");
  await page.goto(`${audit.program.origin}/?by=day`);
  await look(page, "by-day");
  await page.goto(`${audit.program.origin}/`);
  await page.locator('tr:has(strong.severity) a[href^="/session/"], a[href^="/session/"]').first().click();
  await look(page, "session");
  await audit.works("/open-session");
  await audit.sees(page.getByText("The disk was full of holiday films.").first(), "what was said");
  await look(page, "words");
  await audit.to("/");
  await audit.looksFor("holiday");
  await audit.sees(page.locator("q").first(), "where it was said");
  await look(page, "said");
  await audit.to("/trends");
  await look(page, "trends");
  await audit.to("/verify");
  await look(page, "verify");
  await audit.works("/verify");
  await audit.sees(page.locator(".severity.ok"), "that the log is intact");
  await look(page, "intact");
  await audit.to("/export");
  await look(page, "export");
  await page.locator("#format").selectOption("csv");
  await page.fill("#out", join(world.folder, "written"));
  await page.locator("main form[method=post] input[name=fetch]").uncheck();
  await audit.works("/export");
  await audit.sees(page.locator("#about [role=status]"), "what was written");
  await look(page, "written");
  await audit.to("/verify");
  await breaks(auditor.data);
  await page.locator("input[name=fetch]").uncheck();
  await audit.works("/verify");
  await audit.sees(page.locator("[role=alert]"), "that the copy is broken");
  await look(page, "broken");
  await audit.press("/close");
  await audit.form("/close").waitFor({ state: "detached" });
  await look.last?.(page, "closed");
  await audit.program.ended();
}

/** Changes one letter in the copy of the log on this computer. */
async function breaks(data) {
  const [copy] = await readdir(join(data, "audit"));
  const file = join(data, "audit", copy, "entries");
  const bytes = await readFile(file);
  bytes[bytes.lastIndexOf('"consent"') + 1] = "k".charCodeAt(0);
  await writeFile(file, bytes);
}
