/** The entry point on Deno Deploy; the variables are in README.md beside it. */
import { serve } from "../../edge/deno_deploy.ts";

const node = await serve();
console.log(`${node.id} serves`);
