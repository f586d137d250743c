/** The command against the official server of Bluesky accounts. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import test from "node:test";
import { testCases } from "./cases.js";
import { useCommand } from "./hosts.js";
import { usePds } from "./pds.js";

const pds = usePds();
const host = await useCommand();
testCases(pds, host);

test("doctor names the account, and says that it is deactivated", async (t) => {
  const account = await pds.account();
  const { run } = await host.open(t, account.settingsByHandle);
  const well = await run(["doctor"]);
  assert.equal(well.status, 0, well.stdout);
  assert.ok(well.stdout.includes(`✓ Bluesky: the account ${account.handle}`), well.stdout);
  await account.deactivate();
  const { status, stdout } = await run(["doctor"]);
  assert.equal(status, 1, stdout);
  assert.match(stdout, /✗ Bluesky: .*deactivated/);
});

test("what is kept as a token and is none is thrown away in the next turn", async (t) => {
  const account = await pds.account();
  const icon = await host.open(t, account.settings);
  assert.equal((await icon.turn(3)).outcome, "turned");
  const text = await readFile(icon.state, "utf8");
  const broken = text.replace(/(accessJwt[\\":]+)[A-Za-z0-9._-]+/, "$1garbage");
  assert.notEqual(broken, text);
  await writeFile(icon.state, broken);
  for (const frame of [4, 5]) assert.equal((await icon.turn(frame)).outcome, "turned");
  assert.ok((await account.profile()).picture.equals(await host.frame(5)));
});
