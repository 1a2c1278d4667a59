/** What a gateway does to its clients' packets. */
export interface Gateway {
  /** `cone`: `masquerade` keeps a client's port for every destination. `symmetric`: a random one for each. */
  mapping: "cone" | "symmetric";
  udp?: "blocked";
  ipv6?: "dropped";
  /** A packet from inside to the own public address comes back inside. */
  hairpin?: boolean;
}

/** Rules of a gateway whose public IPv4 address is `address`. */
export function gatewayRules(gateway: Gateway, address: string | undefined): string {
  const { udp, ipv6, hairpin = false } = gateway;
  return `
table inet gateway {
${hairpin ? hairpinMap() : ""}
  chain input {
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    # A packet from outside that nobody asked for must leave no trace in conntrack: an entry
    # for it would clash with the mapping of the client's own first packet, a moment later.
    iifname "wan" drop
    ${address === undefined ? "" : `ip daddr ${address} drop`}
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ${udp === "blocked" ? "meta l4proto udp drop" : ""}
    ${ipv6 === "dropped" ? "meta nfproto ipv6 drop" : ""}
    ${
    hairpin
      ? 'iifname "lan" oifname "wan" meta l4proto udp update @mappings { udp sport : ip saddr . udp sport }'
      : ""
  }
    ct state established,related accept
    iifname "lan" accept
  }
${hairpin ? hairpinChain(address!) : ""}
${postrouting(gateway, address)}
}
`;
}

/** Who inside has which public port: `masquerade` keeps ports, so the client's own names the mapping. */
function hairpinMap(): string {
  return `
  map mappings {
    type inet_service : ipv4_addr . inet_service
    flags dynamic, timeout
    timeout 120s
  }`;
}

function hairpinChain(address: string): string {
  return `
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "lan" ip daddr ${address} meta l4proto udp dnat ip to udp dport map @mappings
  }`;
}

function postrouting({ mapping, hairpin = false }: Gateway, address: string | undefined): string {
  const how = mapping === "symmetric" ? "masquerade random,fully-random" : "masquerade";
  return `
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" meta nfproto ipv4 ${how}
    ${hairpin ? `oifname "lan" ct status dnat snat ip to ${address}` : ""}
  }`;
}

/** A host of its own: nothing filtered. */
export function openRules(): string {
  return "table inet gateway {\n}\n";
}
