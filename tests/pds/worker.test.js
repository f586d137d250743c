/** The built Worker, with workerd's own network, against the official server of Bluesky. */
import { testCases } from "./cases.js";
import { useWorker } from "./hosts.js";
import { usePds } from "./pds.js";

const pds = usePds();
testCases(pds, await useWorker(pds));
