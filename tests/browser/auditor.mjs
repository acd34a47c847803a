// An auditor in front of their page: what they fill in and press.

import { Desk } from "./technician.mjs";

export class Audit extends Desk {
  /** Presses what asks the service or works, and waits until that is over. */
  async works(action) {
    await this.press(action);
    await this.rests();
  }

  /** Waits until no work goes on. */
  rests() { return this.sees(this.page.locator("#job:not(:has(progress)):not(:has(#label))"), "the end of the work"); }

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
