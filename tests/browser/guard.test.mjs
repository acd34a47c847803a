// Who and what doesn't count: clicks that come too soon, forms made for something else, other browsers, other pages.

import assert from "node:assert/strict";
import http from "node:http";
import { after, afterEach, before, test } from "node:test";
import { ARM, Person } from "./person.mjs";
import { World, until } from "./world.mjs";

let world, ana;
before(async () => {
  world = await World.start();
  ana = await world.technician("Ana");
});
afterEach(() => world.clear());
after(() => world?.end());

/** One request with exactly these headers: status, headers, text. */
function ask(origin, { method = "GET", path = "/", headers = {}, body } = {}) {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (more) => { text += more; });
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A person before a card with two boxes. */
async function asked(run = ["system.overview", "system.load"]) {
  const agent = await world.agent();
  const person = await Person.open(await world.context(), agent);
  const joined = ana.join(await person.begin(), { run });
  await person.press("yes");
  await person.asked("allow");
  return { agent, person, joined };
}

/** A click at once does nothing: neither in the page nor, past its script, at the server. */
async function sleeps(person) {
  assert.equal(await person.button("allow").getAttribute("aria-disabled"), "true");
  const sent = [];
  const note = (request) => request.method() === "POST" && request.url().endsWith("/answer") && sent.push(request.url());
  person.page.on("request", note);
  await person.page.evaluate(() => document.querySelector("button[value=allow]").click());
  await person.armed("allow");
  person.page.off("request", note);
  assert.deepEqual(sent, []);
  assert.ok(await person.button("allow").isVisible());
}

test("Allow sleeps when a card comes, when it changes, and when the window comes to the front", async () => {
  const { person, joined } = await asked();
  const { page } = person;
  await page.reload();
  await person.asked("allow");
  await sleeps(person);
  await person.tick(page.locator("input[name=box]").first());
  await sleeps(person);
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await sleeps(person);
  // Past the script, the server counts for itself.
  await person.tick(page.locator("input[name=box]:not(:checked)").first());
  await page.evaluate(() => {
    const allow = document.querySelector("button[value=allow]");
    allow.removeAttribute("aria-disabled");
    allow.click();
  });
  await person.sees(page.getByText("That was very quick. Please read the question, then press again."));
  await new Promise((wake) => setTimeout(wake, ARM));
  assert.equal(joined.said.some((said) => said.event === "consent"), false, "nothing was allowed");
  await person.press("allow");
  await person.over();
  assert.equal(await joined.ended(), 0);
});

test("a form that was made for another question changes nothing", async () => {
  const { agent, person, joined } = await asked();
  const { page } = person;
  const old = await page.locator("section.card input[name=token]").getAttribute("value");
  await person.tick(page.locator("input[name=box]").first());
  assert.notEqual(await page.locator("section.card input[name=token]").getAttribute("value"), old);
  await person.armed("allow");
  const post = (token, fields) => page.evaluate(async (body) => (await fetch("/answer", { method: "POST", body: new URLSearchParams(body) })).text(),
    { token, view: "1", ...fields });
  for (const token of [old, "", "00", old.replace(/^./, (letter) => (letter === "0" ? "1" : "0"))]) {
    assert.match(await post(token, { do: "allow", box: "2", was: "2" }), /The question has changed\. Please read it again\./);
    await person.sees(page.getByText("The question has changed. Please read it again."));
    assert.ok(await person.button("allow").isVisible(), token);
  }
  // Nor does one of the right card with a time that nobody may choose, or another act's token.
  const right = await page.locator("section.card input[name=token]").getAttribute("value");
  await post(right, { do: "allow", box: "2", was: "2", time: "100000" });
  await post(await page.locator('form[action="/stop"] input[name=token]').getAttribute("value"), { do: "allow", box: "2", was: "2" });
  assert.ok(await person.button("allow").isVisible());
  assert.equal(joined.said.some((said) => said.event === "consent"), false);
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const long = await ask(agent.origin, {
    method: "POST", path: "/answer", body: "x".repeat(65 * 1024),
    headers: { cookie, origin: agent.origin, "sec-fetch-site": "same-origin" },
  });
  assert.equal(long.status, 413);
});

test("other names, origins, browsers and methods are turned away", async () => {
  const agent = await world.agent();
  const { origin } = agent;
  const port = new URL(origin).port;
  // A name that leads here doesn't even burn the launch address.
  for (const host of [`localhost:${port}`, `evil.example:${port}`, "127.0.0.1", `127.0.0.1:${port}.`, `[::1]:${port}`]) {
    const path = new URL(agent.launch).pathname;
    assert.equal((await ask(origin, { path, headers: { host } })).status, 421, host);
  }
  const context = await world.context();
  const person = await Person.open(context, agent);
  const [cookie] = await context.cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict" && cookie.expires === -1, JSON.stringify(cookie));
  const own = { cookie: `${cookie.name}=${cookie.value}`, origin, "sec-fetch-site": "same-origin" };
  assert.equal((await ask(origin, { headers: own })).status, 200);
  for (const [name, value] of [["origin", "http://evil.example"], ["origin", `http://127.0.0.1:${Number(port) + 1}`], ["origin", "null"],
    ["sec-fetch-site", "cross-site"], ["sec-fetch-site", "same-site"], ["sec-fetch-site", "none"]]) {
    for (const path of ["/begin", "/stop", "/events?view=1"]) {
      const refused = await ask(origin, { method: "POST", path, headers: { ...own, [name]: value }, body: "" });
      assert.equal(refused.status, 403, `${path} with ${name}: ${value}`);
    }
  }
  for (const missing of ["cookie", "origin", "sec-fetch-site"]) {
    const { [missing]: _, ...rest } = own;
    assert.equal((await ask(origin, { method: "POST", path: "/begin", headers: rest, body: "" })).status, 403, missing);
  }
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) assert.equal((await ask(origin, { method, headers: own })).status, 405, method);
  assert.equal((await ask(origin, { path: "/nothing", headers: own })).status, 404);
  assert.equal((await ask(origin, { path: "/record", headers: own })).status, 404);
  const { headers } = await ask(origin, { headers: own });
  assert.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["access-control-allow-origin"], undefined);
  assert.equal(headers["set-cookie"], undefined);

  // The launch address works once; another browser without the cookie sees nothing.
  const stranger = await (await world.context()).newPage();
  assert.equal((await stranger.goto(agent.launch)).status(), 410);
  const turned = await stranger.goto(`${origin}/`);
  assert.equal(turned.status(), 403);
  assert.doesNotMatch(await turned.text(), /<form/);
  assert.equal((await person.page.goto(agent.launch)).status(), 410);
  assert.equal((await person.page.goto(`${origin}/`)).status(), 200);
});

test("another page can neither frame it, nor post to it, nor read it", async () => {
  const agent = await world.agent();
  const context = await world.context();
  const person = await Person.open(context, agent);
  const site = http.createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<!doctype html><title>evil</title><iframe src="${agent.origin}/"></iframe>
      <form method="post" action="${agent.origin}/begin"><input name="view" value="1"><button>win</button></form>`);
  });
  await new Promise((ready) => site.listen(0, "127.0.0.1", ready));
  try {
    // The same browser, another port: to it that is the same site.
    const evil = await context.newPage();
    await evil.goto(`http://127.0.0.1:${site.address().port}/`);
    const frame = evil.frames()[1];
    await until("the frame's refusal", () => frame.url() !== "about:blank" && frame.url() !== "");
    assert.equal(await frame.locator("form").count(), 0, "nothing of the page is in the frame");
    const read = await evil.evaluate((origin) => fetch(`${origin}/`, { credentials: "include", mode: "no-cors" }).then((a) => a.type, String), agent.origin);
    assert.doesNotMatch(read, /^(basic|cors)$/);
    const [posted] = await Promise.all([evil.waitForResponse((one) => one.url().endsWith("/begin")), evil.click("form button")]);
    assert.equal(posted.status(), 403);
    assert.ok(context.faults.every((fault) => fault.includes("frame-ancestors")), context.faults.join("\n"));
    context.faults.length = 0;
    await evil.close();
  } finally {
    site.close();
  }
  assert.equal(await person.page.locator("#about").count(), 1, "nothing began");
});
