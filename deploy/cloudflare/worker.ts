/** The entry point on Cloudflare; `wrangler.jsonc` beside it binds the two classes. */
import { DurableObject } from "cloudflare:workers";
import { gatewayObject, peerObject, worker } from "../../edge/cloudflare.ts";

export class Peers extends peerObject(DurableObject) {}
export class Gateway extends gatewayObject(DurableObject) {}
export default worker;
