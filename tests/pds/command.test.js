/** The command against the official server of Bluesky accounts. */
import { testCases } from "./cases.js";
import { useCommand } from "./hosts.js";
import { usePds } from "./pds.js";

testCases(usePds(), await useCommand());
