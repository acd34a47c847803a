// Every state of the technician's page in both languages, light and dark, narrow and wide.

import { after, before, test } from "node:test";
import { every } from "./look.mjs";
import { STATES, alone, troubled, whole } from "./states/technician.mjs";
import { World } from "./world.mjs";

let world, other;
before(async () => {
  world = await World.start();
  other = await World.start();
});
after(async () => { for (const ended of await Promise.allSettled([world?.end(), other?.end()])) if (ended.reason) throw ended.reason; });

test("every state of the technician's page", async () => {
  const [ana, eva] = [await world.technician("Ana"), await world.technician("Eva")];
  await every(STATES, [(at) => whole(world, ana, at), (at) => troubled(world, eva, at), (at) => alone(other, at)]);
});
