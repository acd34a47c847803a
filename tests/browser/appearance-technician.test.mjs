// Every state of the technician's page in both languages, light and dark, narrow and wide.

import { after, before, test } from "node:test";
import { every } from "./look.mjs";
import { STATES, alone, troubled, whole } from "./states/technician.mjs";
import { World } from "./world.mjs";

let world, other;
before(async () => { [world, other] = [await World.start(), await World.start()]; });
after(async () => {
  await world?.clear();
  await world?.end();
  await other?.end();
});

test("every state of the technician's page", async () => {
  const [ana, eva] = [await world.technician("Ana"), await world.technician("Eva")];
  await every(STATES, [(at) => whole(world, ana, at), (at) => troubled(world, eva, at), (at) => alone(other, at)]);
});
