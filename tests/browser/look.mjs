// What a page must keep whatever it shows: nobody is kept out (axe-core: WCAG 2.2 A and AA, and good practice), nothing has to
// be scrolled sideways, everything to press is large enough.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** The smallest side of what is pressed, in pixels. */
const TARGET = 44;

/** The languages, and how their buttons are called. */
export const LANGUAGES = ["es", "en"];
export const SCHEMES = ["light", "dark"];
export const WIDTHS = [320, 1280, 2560];

/** What axe finds, in a line each. */
export async function barriers(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
  const found = await page.evaluate(async (tags) => {
    const { violations } = await axe.run(document, {
      runOnly: tags, resultTypes: ["violations"], elementRef: false, rules: { "target-size": { enabled: true } },
    });
    return violations.map((one) => ({ id: one.id, help: one.help, nodes: one.nodes.map((node) => `${node.target} ${node.html.slice(0, 120)}`) }));
  }, TAGS);
  return found.map((one) => `${one.id}: ${one.help}\n    ${one.nodes.join("\n    ")}`);
}

/** What sticks out, and what is too small to press. */
export async function misfits(page) {
  return page.evaluate((target) => {
    const found = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push(`${scrollWidth} pixels in a window of ${clientWidth}`);
    for (const one of document.querySelectorAll("main *, header *")) {
      const { left, right, width } = one.getBoundingClientRect();
      if (width > 0 && (right > clientWidth + 1 || left < -1) && !one.closest(".skip, .scroll > *")) found.push(`${one.outerHTML.slice(0, 80)} reaches ${Math.round(right)}`);
    }
    for (const one of document.querySelectorAll("button, a[href], input, textarea, summary")) {
      if (one.hidden || one.type === "hidden" || one.matches(".skip")) continue;
      const box = (one.closest("label") ?? one).getBoundingClientRect();
      if (box.width > 0 && (box.height < target - 0.5 || box.width < target - 0.5)) found.push(`${one.outerHTML.slice(0, 80)} is ${box.width}×${box.height}`);
    }
    return found;
  }, TARGET);
}

/** Shows the page in that language, by its own button. */
export async function speak(page, language) {
  if ((await page.locator("html").getAttribute("lang")) === language) return;
  await page.locator(`button[name=to][value=${language}]`).click();
  await page.locator(`html[lang=${language}]`).waitFor({ state: "attached" });
}

/** Every language, scheme and width. */
export async function look(page, state) {
  // As it came: another language asks some questions anew.
  const wrong = [...await barriers(page), ...await misfits(page)].map((fault) => `${state}, as it came: ${fault}`);
  for (const language of LANGUAGES) {
    await speak(page, language);
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: width === 320 ? 568 : 800 });
        // Colours differ by scheme, what folds up by width; the widest differs from the wide in its measures alone.
        const asked = width === 1280 || (width === 320 && scheme === "light");
        const faults = [...(asked ? await barriers(page) : []), ...await misfits(page)];
        wrong.push(...faults.map((fault) => `${state}, ${language}, ${scheme}, ${width}: ${fault}`));
      }
    }
    // 1280 × 800 at 200 %.
    await page.setViewportSize({ width: 640, height: 400 });
    wrong.push(...(await misfits(page)).map((fault) => `${state}, ${language}, 200 %: ${fault}`));
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}

/** Walks through all states and looks at each; tells everything that is wrong, not only the first of it. */
export async function every(states, walks, after = async () => {}) {
  const seen = new Set(), wrong = [];
  const at = async (page, state) => {
    seen.add(state);
    await look(page, state).catch((error) => wrong.push(error.message));
    await after(page, state).catch((error) => wrong.push(error.message));
  };
  // The program is gone: the page has only what it was given.
  at.last = async (page, state) => {
    seen.add(state);
    wrong.push(...[...await barriers(page), ...await misfits(page)].map((fault) => `${state}: ${fault}`));
  };
  for (const walk of await Promise.allSettled(walks.map((walk) => walk(at)))) if (walk.status === "rejected") wrong.push(walk.reason.stack);
  const missed = states.filter((state) => !seen.has(state));
  if (missed.length > 0) wrong.push(`never seen: ${missed.join(", ")}`);
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
}
