// Pictures of every state in both languages, and one sheet of them for the documentation. Tests nothing.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LANGUAGES, speak } from "./look.mjs";
import * as auditor from "./states/auditor.mjs";
import * as person from "./states/person.mjs";
import * as technician from "./states/technician.mjs";
import { World, root } from "./world.mjs";

const folder = join(root, "target/screenshots");
/** Wide and light as on a desk, narrow and dark as on a telephone. */
const LOOKS = [["light", 1280, 800], ["dark", 320, 568], ["dark", 1280, 800], ["light", 320, 568]];

/** What the README shows: the state, its window, and its file. */
const README = {
  "person card": [900, 1090, "page-person.png"],
  "technician found": [1360, 960, "page-technician.png"],
};
/** The pages, in the order of the sheet. */
const FACES = { person: person.STATES, technician: technician.STATES, auditor: auditor.STATES };

/** Takes pictures of each state of this face. */
function camera(face) {
  const take = async (page, state) => {
    for (const language of LANGUAGES) {
      await speak(page, language);
      await shoot(page, face, state, language);
    }
    const [width, height, name] = README[`${face} ${state}`] ?? [];
    if (!name) return;
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: join(root, "docs", name) });
  };
  // The program is gone, and with it the other language.
  take.last = async (page, state) => shoot(page, face, state, await page.locator("html").getAttribute("lang"));
  return take;
}

async function shoot(page, face, state, language) {
  for (const [colorScheme, width, height] of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    await page.mouse.move(0, 0);
    const name = `${face}-${String(FACES[face].indexOf(state)).padStart(2, "0")}-${state}-${language}-${colorScheme}-${width}.png`;
    await page.screenshot({ path: join(folder, name), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

const world = await World.start(), other = await World.start();
try {
  if (!process.argv.includes("--sheet")) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const [ana, eva, carla] = [await world.technician("Ana"), await world.technician("Eva"), await world.technician("Carla")];
    const [persons, technicians, auditors] = Object.keys(FACES).map(camera);
    await Promise.all([person.whole(world, ana, persons), person.interrupted(world, eva, persons).then(() => person.alone(world, persons))]);
    await Promise.all([technician.whole(world, ana, technicians), technician.troubled(world, eva, technicians), technician.alone(other, technicians)]);
    await auditor.reads(world, carla, auditors);
  }
  await sheet();
} finally {
  await world.end();
  await other.end();
}

/** Thumbnails beside each other, the two languages in turn. */
async function sheet() {
  const names = (await readdir(folder)).sort();
  const shown = Object.entries(FACES).flatMap(([face, states]) => states.flatMap((state, i) => {
    const language = LANGUAGES[i % 2];
    return names.filter((name) => name.startsWith(`${face}-`) && name.includes(`-${state}-`) && name.endsWith("-light-1280.png"))
      .sort((one) => (one.includes(`-${language}-`) ? -1 : 1)).slice(0, 1);
  }));
  const figures = await Promise.all(shown.map(async (name) => {
    const bytes = await readFile(join(folder, name));
    const [, face, state, language] = /^(\w+)-\d+-(.+)-(es|en)-light/.exec(name);
    return `<figure><img alt="" src="data:image/png;base64,${bytes.toString("base64")}"><figcaption>${face}: ${state} (${language})</figcaption></figure>`;
  }));
  const page = await (await world.context({ viewport: { width: 1400, height: 800 } })).newPage();
  await page.setContent(`<!doctype html><style>
    body{margin:12px;background:#dde3e9;font:11px system-ui,sans-serif;display:grid;grid-template-columns:repeat(8,1fr);gap:12px}
    figure{margin:0}img{width:100%;aspect-ratio:8/5;object-fit:cover;object-position:top;background:#fff;border:1px solid #99a3ad;border-radius:4px}
    figcaption{padding-top:2px;color:#333}</style>${figures.join("")}`);
  const at = join(root, "docs/pages.png");
  await writeFile(at, await page.screenshot({ fullPage: true }));
  console.log(at);
}
