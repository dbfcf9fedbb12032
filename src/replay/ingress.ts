// SPDX-License-Identifier: Apache-2.0
// Where each packet of a capture enters the host: an interface, or `local` for what the host sends itself.
// `--ingress` decides where given; else the capture's interface names and directions; else the address of
// the sender: its own is `local`, others come from the interface their answer would leave by.
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Host } from '../host/host.js';
import { parsePrefix } from '../host/prefix.js';
import { Routing } from '../host/routing.js';
import type { Family } from '../net/family.js';
import { PrefixTable } from '../net/prefix-table.js';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, parseEthernet } from '../packet/ethernet.js';
import { load32 } from '../packet/bytes.js';
import type { AddressWords } from '../net/address.js';

export const LOCAL = 'local';

export type IngressRule =
  | { readonly kind: 'interface'; readonly name: string }
  /** One entry a packet, in order. */
  | { readonly kind: 'list'; readonly names: readonly string[] }
  | {
      readonly kind: 'by-source';
      readonly default: string;
      readonly sources: readonly (readonly [string, string])[];
    }
  /** No `--ingress`. */
  | { readonly kind: 'inferred' };

export interface ParsedIngress {
  readonly rule?: IngressRule;
  readonly diagnostics: readonly Diagnostic[];
}

/** Names a packet may come from. */
export function ingressNames(host: Host): string[] {
  return [...new Set([...host.interfaces.map((each) => each.name), 'lo', LOCAL])];
}

/** The text of an ingress file. Codes: IPT0831 not JSON, IPT0832 neither form, IPT0833 unknown interface or bad prefix. */
export function parseIngress(file: string, text: string, host: Host): ParsedIngress {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return failed('IPT0831', `${file}: not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const names = new Set(ingressNames(host));
  if (Array.isArray(json)) {
    for (const [i, name] of json.entries()) {
      if (typeof name !== 'string' || !names.has(name))
        return unknownName(file, `entry ${i + 1}`, name, names);
    }
    return { rule: { kind: 'list', names: json as string[] }, diagnostics: [] };
  }
  if (!isObject(json) || typeof json['default'] !== 'string') {
    return failed(
      'IPT0832',
      `${file}: neither a list of interfaces nor an object with \`default\` and \`by_source\``,
    );
  }
  if (!names.has(json['default'])) return unknownName(file, '`default`', json['default'], names);
  const list = json['by_source'] ?? [];
  if (!Array.isArray(list)) return failed('IPT0832', `${file}: \`by_source\` is no list`);
  const sources: [string, string][] = [];
  for (const [i, entry] of list.entries()) {
    const [prefix, name] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof prefix !== 'string' || parsePrefix(prefix) === undefined) {
      return failed('IPT0833', `${file}: by_source[${i}] has no prefix: ${JSON.stringify(entry)}`);
    }
    if (typeof name !== 'string' || !names.has(name))
      return unknownName(file, `by_source[${i}]`, name, names);
    sources.push([prefix, name]);
  }
  return { rule: { kind: 'by-source', default: json['default'], sources }, diagnostics: [] };
}

/** Where one packet enters, or why it can't be replayed. */
export type Ingress = { readonly name: string } | { readonly refused: string } | { readonly missing: number };

export class IngressResolver {
  private readonly routing: Readonly<Record<Family, Routing>>;
  private readonly own: Readonly<Record<Family, PrefixTable<true>>>;
  private readonly bySource: Readonly<Record<Family, PrefixTable<string>>>;
  private readonly known: ReadonlySet<string>;
  /** For senders that no route leads to. */
  private readonly fallback: string;

  constructor(
    private readonly rule: IngressRule,
    host: Host,
  ) {
    this.routing = { ipv4: new Routing('ipv4', host), ipv6: new Routing('ipv6', host) };
    this.own = { ipv4: new PrefixTable('ipv4'), ipv6: new PrefixTable('ipv6') };
    for (const text of host.interfaces.flatMap((each) => each.addresses ?? [])) {
      const prefix = parsePrefix(text);
      if (prefix === undefined) continue;
      this.own[prefix.family].insert(prefix.address, prefix.family === 'ipv4' ? 32 : 128, true);
    }
    this.bySource = { ipv4: new PrefixTable('ipv4'), ipv6: new PrefixTable('ipv6') };
    for (const [text, name] of rule.kind === 'by-source' ? rule.sources : []) {
      const prefix = parsePrefix(text)!;
      this.bySource[prefix.family].insert(prefix.address, prefix.bits, name);
    }
    this.known = new Set(ingressNames(host));
    this.fallback = host.interfaces.find((each) => each.name !== 'lo')?.name ?? LOCAL;
  }

  /** `index` is the packet's position in the replay; `seen` what the capture says of it. */
  resolve(
    index: number,
    frame: Uint8Array,
    seen: { readonly interfaceName?: string; readonly direction?: 'in' | 'out' },
  ): Ingress {
    switch (this.rule.kind) {
      case 'interface':
        return { name: this.rule.name };
      case 'list': {
        const name = this.rule.names[index];
        return name === undefined ? { missing: this.rule.names.length } : { name };
      }
      case 'by-source': {
        const source = sourceAddress(frame);
        const name = source && this.bySource[source.family].lookup(source.address, () => true);
        return { name: name ?? this.rule.default };
      }
      case 'inferred':
        return this.infer(frame, seen);
    }
  }

  private infer(
    frame: Uint8Array,
    { interfaceName, direction }: { readonly interfaceName?: string; readonly direction?: 'in' | 'out' },
  ): Ingress {
    const source = sourceAddress(frame);
    const isOwn = source !== undefined && this.own[source.family].lookup(source.address, () => true) === true;
    // A capture on `lo` has what the host sends to itself.
    if (interfaceName === 'lo') return { name: LOCAL };
    if (direction === 'out') {
      if (isOwn || source === undefined) return { name: LOCAL };
      return {
        refused: 'captured on its way out, and not sent by this host: its arrival is what rules judge',
      };
    }
    if (interfaceName !== undefined && this.known.has(interfaceName)) {
      return { name: isOwn && direction === undefined ? LOCAL : interfaceName };
    }
    if (source === undefined) return { name: this.fallback };
    if (isOwn && direction === undefined) return { name: LOCAL };
    const route = this.routing[source.family].lookup({ destination: source.address, mark: 0 });
    const device = typeof route === 'string' || route.type !== 'unicast' ? undefined : route.device;
    return { name: device ?? this.fallback };
  }
}

/** Sender of the IP packet in a frame, also where the packet is damaged further in. */
function sourceAddress(frame: Uint8Array): { family: Family; address: AddressWords } | undefined {
  const link = parseEthernet(frame);
  if (link === undefined) return undefined;
  const at = link.payloadOffset;
  if (link.etherType === ETHERTYPE_IPV4 && at + 20 <= frame.length) {
    return { family: 'ipv4', address: [load32(frame, at + 12)] };
  }
  if (link.etherType === ETHERTYPE_IPV6 && at + 40 <= frame.length) {
    return { family: 'ipv6', address: [8, 12, 16, 20].map((offset) => load32(frame, at + offset)) };
  }
  return undefined;
}

function unknownName(file: string, where: string, name: unknown, names: ReadonlySet<string>): ParsedIngress {
  const known = [...names].map((each) => `\`${each}\``).join(', ');
  return failed('IPT0833', `${file}: ${where} is ${JSON.stringify(name)}; the host has ${known}`);
}

function failed(code: string, message: string): ParsedIngress {
  return { diagnostics: [{ code, severity: 'error', message }] };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
