/**
 * Writes both corpora as files, to look at, to measure and to fuzz with:
 *
 *   node tests/pictures/write.js [FOLDER]     (target/pictures unless another is named)
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { main, root, say } from "../../scripts/lib/run.js";
import { goodFiles, hostileFiles } from "./hostile.js";
import { REAL, realFile } from "./real.js";

await main(async () => {
  const folder = path.resolve(process.argv[2] ?? path.join(root, "target/pictures"));
  const corpora = {
    hostile: await hostileFiles(),
    good: new Map(Object.entries(await goodFiles())),
    real: new Map(),
  };
  // One after the other: each takes some hundred MB to make.
  for (const name of Object.keys(REAL)) corpora.real.set(name, await realFile(name));
  for (const [corpus, files] of Object.entries(corpora)) {
    mkdirSync(path.join(folder, corpus), { recursive: true });
    let number = 0;
    for (const [name, file] of files) {
      const short = name.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 80);
      writeFileSync(
        path.join(folder, corpus, `${String(++number).padStart(3, "0")}-${short}`),
        file,
      );
    }
    say(`${files.size} files in ${path.join(folder, corpus)}`);
  }
});
