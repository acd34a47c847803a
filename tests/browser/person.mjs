// A person in front of their page: what they look for and press.

import assert from "node:assert/strict";
import { PATIENCE } from "./world.mjs";

/** How long a question rests before it can be answered with yes, in milliseconds. */
export const ARM = 800;

/** The buttons of every question: the one that gives something away, and the one that doesn't. */
export const PRESS = {
  yes: "yes", no: "no", allow: "allow", deny: "deny", send: "send", keep: "keep", sign: "sign", later: "not-now",
};

export class Person {
  constructor(page, agent) { Object.assign(this, { page, agent }); }

  /** Opens the page the program printed. */
  static async open(context, agent) {
    const page = await context.newPage();
    await page.goto(agent.launch);
    await page.locator("h1").waitFor();
    return new Person(page, agent);
  }

  button(does) { return this.page.locator(`button[name=do][value="${does}"]`); }

  get stop() { return this.page.locator("#stop"); }

  get card() { return this.page.locator("section.card"); }

  /** Says what is wrong and asks for a code; gives the code. */
  async begin({ about = "It is slow.", since, called } = {}) {
    await this.page.fill("#about", about);
    if (since) await this.page.fill("#since", since);
    if (called) await this.page.fill("#called", called);
    await this.page.locator('form[action="/begin"] button[type=submit]').click();
    return this.code();
  }

  async code() {
    const code = (await this.page.locator(".code").textContent()).trim();
    assert.match(code, /^\d+(-[a-zñáéíóú]+)+$/u);
    return code;
  }

  /** Waits for a question of this kind: the one with this button. */
  asked(does) { return this.sees(this.button(does), `the question with “${does}”`); }

  /** Waits for something; if it doesn't come, says what is there instead. */
  async sees(what, name) {
    try {
      await what.first().waitFor({ timeout: PATIENCE });
    } catch (error) {
      const text = await this.page.locator("body").innerText().catch(() => "nothing");
      throw new Error(`${this.page.url()} never showed ${name ?? what}:\n${text}\n${this.agent.account()}\n${error.message}`);
    }
  }

  /** Waits until the button may be pressed, and presses it with the mouse. */
  async press(does) {
    await this.asked(does);
    await this.armed(does);
    await this.button(does).click();
  }

  async armed(does) {
    await this.sees(this.page.locator(`button[name=do][value="${does}"]:not([aria-disabled])`), `“${does}” awake`);
  }

  /** Presses a box of the card, and waits until the card was written anew. */
  async tick(box) {
    const token = await this.card.locator("input[name=token]").getAttribute("value");
    await box.evaluate((one) => one.click());
    await this.sees(this.card.locator(`input[name=token]:not([value="${token}"])`).locator(".."), "another card");
  }

  /** Waits until the feed says it. */
  reads(text) { return this.sees(this.page.locator(".feed li", { hasText: text }), `“${text}” in the feed`); }

  /** Waits for the receipt. */
  over() { return this.sees(this.page.locator('a[href="/record"]'), "the receipt"); }
}
