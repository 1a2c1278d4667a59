/** `libp2p_relay.ts HOST`: a circuit relay that tells where it is, and runs until it is killed. */
import process from "node:process";
import { host } from "./libp2p.ts";

const relay = await host({ listen: [`/ip4/${process.argv[2]}/tcp/0`], serves: true });
console.log(String(relay.getMultiaddrs()[0]));
