// SPDX-License-Identifier: Apache-2.0
// A packet while it is being aimed: the fields that rules ask about, changed one by one, then made a frame.
import { formatAddress, type AddressWords } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import { buildPacket } from '../../packet/build.js';
import { TCP_FLAGS, type ChecksumChoice, type Layer } from '../../packet/layers.js';
import type { ConntrackStateName } from '../../ruleset/matches/conntrack.js';

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

export interface Draft {
  readonly family: Family;
  /** Where the packet comes from: an interface of the host, or `local`. */
  interface: string;
  /** Where a rule wants it to leave; the destination follows unless a rule asks for that too. */
  output: string | undefined;
  source: AddressWords;
  destination: AddressWords;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  /** Byte 13 of the TCP header. */
  flags: number;
  /** Kind of a TCP option that the header carries. */
  tcpOption: number | undefined;
  icmpType: number;
  icmpCode: number;
  /** The four bytes after the checksum of an ICMP message. */
  icmpRest: number;
  ttl: number;
  tos: number;
  /** Bytes of the IP packet that a rule asks for; else as many as the headers take, and a few. */
  length: number | undefined;
  sourceMac: readonly number[] | undefined;
  fragment: 'none' | 'first' | 'later';
  checksum: ChecksumChoice;
  ipOptions: boolean;
  state: ConntrackStateName | undefined;
  /** Payload instead of zeroes: what an ICMP error quotes. */
  quote: Uint8Array | undefined;
  /** Fields that a rule has chosen. */
  readonly demanded: Set<'source' | 'destination'>;
}

/** Payload where no rule asks for a length. */
const FEW_BYTES = 8;

/** `destinationMac`: of the interface that the frame arrives on. */
export function frameOf(draft: Draft, destinationMac: string | undefined): Uint8Array {
  const { family, sourceMac } = draft;
  const transport = transportLayer(draft);
  const ipBytes = (family === 'ipv4' ? 20 : 40) + (draft.ipOptions ? (family === 'ipv4' ? 4 : 8) : 0);
  const missing = draft.length === undefined ? FEW_BYTES : draft.length - ipBytes - bytesOf(transport);
  const data = draft.quote ?? new Uint8Array(Math.min(1480, Math.max(0, missing)));
  const payload: Layer = { kind: 'payload', data, protocol: draft.protocol };
  const layers = transport === undefined ? [payload] : [transport, payload];
  return buildPacket(
    {
      kind: 'ethernet',
      ...(sourceMac && { source: sourceMac.map((byte) => byte.toString(16).padStart(2, '0')).join(':') }),
      ...(destinationMac !== undefined && { destination: destinationMac }),
    },
    ...ipLayers(draft),
    ...(draft.fragment === 'later' ? [{ ...payload, data: new Uint8Array(24) }] : layers),
  );
}

function ipLayers(draft: Draft): Layer[] {
  const { family, ttl, tos, fragment, protocol, ipOptions } = draft;
  const [source, destination] = [formatAddress(draft.source), formatAddress(draft.destination)];
  const pieces = fragment !== 'none';
  // No piece fits another: nothing is ever whole.
  const offset = fragment === 'later' ? 1024 : 0;
  if (family === 'ipv4') {
    const more = { moreFragments: fragment === 'first', fragmentOffset: offset };
    const options = ipOptions ? { options: [1, 1, 1, 1] } : {};
    const id = pieces ? (draft.sourcePort ^ draft.destinationPort) & 0xffff : 0;
    return [{ kind: 'ipv4', source, destination, ttl, tos, id, protocol, ...(pieces && more), ...options }];
  }
  const layers: Layer[] = [{ kind: 'ipv6', source, destination, hopLimit: ttl, trafficClass: tos }];
  if (ipOptions) layers.push({ kind: 'destination-options', data: [] });
  if (pieces) {
    layers.push({
      kind: 'fragment',
      offset,
      more: fragment === 'first',
      id: draft.sourcePort,
      nextHeader: protocol,
    });
  }
  return layers;
}

function transportLayer(draft: Draft): Layer | undefined {
  const { sourcePort, destinationPort, checksum, protocol, family, icmpType, icmpCode, icmpRest } = draft;
  switch (protocol) {
    case PROTOCOL.tcp: {
      const flags = TCP_FLAGS.filter((_, bit) => (draft.flags & (1 << bit)) !== 0);
      const options = draft.tcpOption === undefined ? [] : [draft.tcpOption, 4, 5, 180];
      return { kind: 'tcp', sourcePort, destinationPort, flags, options, checksum };
    }
    case PROTOCOL.udp:
      return { kind: 'udp', sourcePort, destinationPort, checksum };
    case PROTOCOL.icmp:
    case PROTOCOL.icmp6: {
      const kind = protocol === PROTOCOL.icmp ? 'icmp' : 'icmp6';
      if ((kind === 'icmp') !== (family === 'ipv4')) return undefined;
      return { kind, type: icmpType, code: icmpCode, rest: icmpRest, checksum };
    }
    default:
      return undefined;
  }
}

function bytesOf(layer: Layer | undefined): number {
  if (layer === undefined) return 0;
  return layer.kind === 'tcp' ? 20 + (layer.options?.length ?? 0) : 8;
}
