// An auditor in front of their page: what they fill in and press.

import { Desk } from "./technician.mjs";
import { until } from "./world.mjs";

export class Audit extends Desk {
  /** Presses what asks the service or works, and waits until that is over. */
  async works(action) {
    const taken = this.page.waitForResponse((answer) => answer.request().method() === "POST" && new URL(answer.url()).pathname === action);
    await this.press(action);
    await taken;
    // While work goes on, the page listens.
    await until(`the end of ${action}`, () => this.page.evaluate(async () => {
      const answer = await fetch(document.documentElement.dataset.here);
      return !/^[^>]*>\s*<html[^>]* data-view/.test(await answer.text());
    }).catch(() => false));
    await this.page.reload();
  }

  /** Goes to another page of the program by its link. */
  async to(path) {
    await this.page.locator(`nav a[href="${path}"]`).first().click();
    await this.sees(this.page.locator(`nav a[href="${path}"][aria-current]`), path);
  }

  /** Looks for sessions in which this was said. */
  async looksFor(word) {
    await this.page.fill("#word", word);
    await this.page.locator("form[role=search] button[type=submit]").click();
    await this.page.waitForURL((url) => url.searchParams.get("word") === word);
  }
}
