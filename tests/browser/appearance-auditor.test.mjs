// Every state of the auditor's page in both languages, light and dark, narrow and wide.

import { after, before, test } from "node:test";
import { every } from "./look.mjs";
import { STATES, reads } from "./states/auditor.mjs";
import { World } from "./world.mjs";

let world;
before(async () => { world = await World.start(); });
after(() => world?.end());

test("every state of the auditor's page", async () => {
  const ana = await world.technician("Ana");
  await every(STATES, [(at) => reads(world, ana, at)]);
});
