// SPDX-License-Identifier: Apache-2.0
// Interfaces of the running host, as far as attaching asks: which of them iptables judges, and the number a
// program knows each by.
import type { Host } from '../host/host.js';
import { updateElement } from '../kernel/bpf.js';
import { attachInterfaces } from '../migrate/loader-script.js';
import type { InterfaceIds } from '../model/model.js';
import { INTERFACE_SLOTS } from '../program/layout.js';
import { hostFromIp } from '../snapshot/host.js';
import { askTool } from './tools.js';

export interface LiveInterface {
  readonly name: string;
  readonly index: number;
  /** ARPHRD_ name as `ip` prints it: `ether`, `loopback`, `none` for tunnels without an Ethernet header. */
  readonly linkType: string;
  /** Its MAC address as programs take it (bpf/lib/xdp.h): six bytes and two of zero. Undefined where it has none. */
  readonly station: Buffer | undefined;
  /** A VLAN interface stands above it. */
  readonly carriesVlans: boolean;
}

export interface LiveInterfaces {
  /** All, with addresses. */
  readonly host: Pick<Host, 'interfaces'>;
  /** Those whose packets iptables judges, and with an Ethernet header, which programs expect. */
  readonly judged: readonly LiveInterface[];
  /** Those whose packets iptables judges, and programs cannot read. */
  readonly unreadable: readonly LiveInterface[];
}

type Link = Readonly<Record<string, unknown>>;

export function readInterfaces(): LiveInterfaces {
  const links = askTool<Link>('ip', ['-json', '-details', 'address', 'show']);
  const none = { ipv4: [], ipv6: [] };
  const { host } = hostFromIp({ links, routes: none, rules: none });
  const names = new Set(attachInterfaces({ ...host, routes: [], sysctls: {} }));
  const all = links
    .map((link) => ({
      name: String(link['ifname']),
      index: Number(link['ifindex']),
      linkType: String(link['link_type']),
      station: stationOf(link['address']),
      carriesVlans: links.some((upper) => isVlan(upper) && upper['link'] === link['ifname']),
    }))
    .filter(({ name }) => names.has(name));
  const isReadable = ({ linkType }: LiveInterface): boolean =>
    linkType === 'ether' || linkType === 'loopback';
  return { host, judged: all.filter(isReadable), unreadable: all.filter((each) => !isReadable(each)) };
}

function stationOf(address: unknown): Buffer | undefined {
  if (typeof address !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address)) return undefined;
  return Buffer.from(`${address.replaceAll(':', '')}0000`, 'hex');
}

function isVlan(link: Link): boolean {
  return (link['linkinfo'] as { readonly info_kind?: string } | undefined)?.info_kind === 'vlan';
}

/**
 * The number by which a program knows an interface: its own where a rule or the snapshot names it, else that of
 * the longest wildcard that covers it (`eth+`), which all shorter ones cover as well, else 0: no rule's.
 */
export function interfaceNumber(name: string, ids: InterfaceIds): number {
  const own = Object.hasOwn(ids, name) ? ids[name] : undefined;
  if (own !== undefined) return own;
  for (let length = name.length; length > 0; length--) {
    const wildcard = `${name.slice(0, length)}+`;
    if (Object.hasOwn(ids, wildcard)) return ids[wildcard]!;
  }
  return 0;
}

/** Tells the program which interface has which number; returns those whose index is beyond its map. */
export function numberInterfaces(
  mapFd: number,
  interfaces: readonly LiveInterface[],
  ids: InterfaceIds,
): readonly LiveInterface[] {
  const words = Buffer.alloc(8);
  for (const { name, index } of interfaces) {
    if (index >= INTERFACE_SLOTS) continue;
    words.writeUInt32LE(index, 0);
    words.writeUInt32LE(interfaceNumber(name, ids), 4);
    updateElement(mapFd, words.subarray(0, 4), words.subarray(4));
  }
  return interfaces.filter(({ index }) => index >= INTERFACE_SLOTS);
}
