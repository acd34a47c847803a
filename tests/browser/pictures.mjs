// Pictures of every state in both languages, and one sheet of them for the documentation. Tests nothing.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LANGUAGES, speak } from "./look.mjs";
import { STATES, alone, interrupted, whole } from "./states.mjs";
import { World, root } from "./world.mjs";

const folder = join(root, "target/screenshots");
/** Wide and light as on a desk, narrow and dark as on a telephone. */
const LOOKS = [["light", 1280, 800], ["dark", 320, 568], ["dark", 1280, 800], ["light", 320, 568]];

async function take(page, state) {
  for (const language of LANGUAGES) {
    await speak(page, language);
    await shoot(page, state, language);
  }
}

async function shoot(page, state, language) {
  for (const [colorScheme, width, height] of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    await page.mouse.move(0, 0);
    const name = `${String(STATES.indexOf(state)).padStart(2, "0")}-${state}-${language}-${colorScheme}-${width}.png`;
    await page.screenshot({ path: join(folder, name), fullPage: true });
  }
}
take.last = async (page, state) => shoot(page, state, await page.locator("html").getAttribute("lang"));

const world = await World.start();
try {
  if (!process.argv.includes("--sheet")) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const [ana, eva] = [await world.technician("Ana"), await world.technician("Eva")];
    await Promise.all([whole(world, ana, take), interrupted(world, eva, take).then(() => alone(world, take))]);
  }
  await sheet();
} finally {
  await world.end();
}

/** Thumbnails beside each other, the two languages in turn. */
async function sheet() {
  const names = (await readdir(folder)).sort();
  const shown = STATES.flatMap((state, i) => {
    const language = LANGUAGES[i % 2];
    return names.filter((name) => name.includes(`-${state}-`) && name.endsWith("-light-1280.png"))
      .sort((one) => (one.includes(`-${language}-`) ? -1 : 1)).slice(0, 1);
  });
  const figures = await Promise.all(shown.map(async (name) => {
    const bytes = await readFile(join(folder, name));
    const [, state, language] = /^\d+-(.+)-(es|en)-light/.exec(name);
    return `<figure><img alt="" src="data:image/png;base64,${bytes.toString("base64")}"><figcaption>${state} (${language})</figcaption></figure>`;
  }));
  const page = await (await world.context({ viewport: { width: 1200, height: 800 } })).newPage();
  await page.setContent(`<!doctype html><style>
    body{margin:12px;background:#dde3e9;font:11px system-ui,sans-serif;display:grid;grid-template-columns:repeat(6,1fr);gap:12px}
    figure{margin:0}img{width:100%;aspect-ratio:8/5;object-fit:cover;object-position:top;background:#fff;border:1px solid #99a3ad;border-radius:4px}
    figcaption{padding-top:2px;color:#333}</style>${figures.join("")}`);
  const at = join(root, "docs/pages.png");
  await writeFile(at, await page.screenshot({ fullPage: true }));
  console.log(at);
}
