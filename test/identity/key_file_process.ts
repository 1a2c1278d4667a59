/** Run by key_file.test.ts: prints the id of the key file named on the command line, making it if it is missing. */
import process from "node:process";
import { fileKeyStore } from "../../src/identity/key_file.ts";
import { loadOrCreate } from "../../src/identity/key_store.ts";

console.log((await loadOrCreate(fileKeyStore(process.argv[2]!))).id);
