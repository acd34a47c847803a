// A technician in front of their page: what they fill in and press.

import { PATIENCE, until } from "./world.mjs";

export class Desk {
  constructor(page, program) { Object.assign(this, { page, program }); }

  /** Opens the page the program printed. */
  static async open(context, program) {
    const page = await context.newPage();
    await page.goto(program.launch);
    await page.locator("h1").waitFor();
    return new this(page, program);
  }

  /** The form of this address; where there are several, the one with this hidden field. */
  form(action, name, value) {
    const form = this.page.locator(`form[method=post][action="${action}"]`);
    return name ? form.filter({ has: this.page.locator(`input[name="${name}"][value="${value}"]`) }) : form;
  }

  press(action) { return this.form(action).locator("button[type=submit]").click(); }

  /** Begins a session with this code. */
  async begin(code, { reason = "To see what makes it slow.", goal, scopes = [] } = {}) {
    await this.page.fill("#code", code);
    await this.page.fill("#reason", reason);
    if (goal) await this.page.locator(`input[name=goal][value="${goal}"]`).check();
    for (const scope of scopes) await this.page.locator(`input[name=ask][value="${scope}"]`).check();
    await this.press("/begin");
  }

  /** Looks for something in the catalogue. */
  async finds(words) {
    await this.page.fill("#q", words);
    await this.page.locator("form[role=search] button[type=submit]").click();
    await this.sees(this.page.locator("#catalogue [role=status]").first(), `what was found for “${words}”`);
  }

  /** Asks for an item by its name. */
  async run(item) {
    await this.finds(item);
    const lines = this.page.locator(".feed li");
    const before = await lines.count();
    await this.form("/run", "item", item).locator("button").click();
    await until(`${item} to be asked for`, async () => (await lines.count()) > before);
  }

  /** Waits until everything that was asked for has ended. */
  rests() { return until("the end of what runs", async () => (await this.page.locator("#where li").count()) === 0); }

  async say(text) {
    await this.page.fill("#chat", text);
    await this.press("/say");
    await this.reads(text);
  }

  async note(text) {
    await this.page.fill("#note", text);
    await this.press("/note");
    await this.reads(text);
  }

  /** Signs off. */
  async close({ outcome = "The disk was full.", next = "Buy a bigger one." } = {}) {
    await this.page.fill("#outcome", outcome);
    await this.page.fill("#next", next);
    await this.press("/close");
    await this.over();
  }

  /** Leaves without signing off. */
  async end() {
    await this.page.locator("#end").evaluate((one) => { one.open = true; });
    await this.press("/end");
    await this.over();
  }

  over() { return this.sees(this.form("/again"), "the end of the session"); }

  /** Waits until the feed says it. */
  reads(text) { return this.sees(this.page.locator(".feed li", { hasText: text }), `“${text}” in the feed`); }

  /** Waits for something; if it doesn't come, says what is there instead. */
  async sees(what, name, patience = PATIENCE) {
    try {
      await what.first().waitFor({ timeout: patience });
    } catch (error) {
      const text = await this.page.locator("body").innerText().catch(() => "nothing");
      throw new Error(`${this.page.url()} never showed ${name ?? what}:\n${text}\n${this.program.account()}\n${error.message}`);
    }
  }
}
