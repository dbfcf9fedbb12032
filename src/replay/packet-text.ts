// SPDX-License-Identifier: Apache-2.0
// A packet written down as text: `tcp 192.0.2.1:4000 > 203.0.113.2:22 syn`. What describeFrame prints, less the
// lengths, can be given back. Words after the addresses, in any order: TCP flags; an ICMP type; `ttl N`,
// `tos N`, `id N`, `seq N`, `ack N`, `win N`, `data N` (bytes of payload), `vlan N`, `fragment OFFSET[+]`, `df`,
// `bad-checksum`, `in IF`, `local`.
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { InputError } from '../diagnostics/input-error.js';
import { parseAddress } from '../net/address.js';
import type { Family } from '../net/family.js';
import { protocolNumber } from '../net/protocols.js';
import { buildPacket } from '../packet/build.js';
import { TCP_FLAGS, type Layer, type TcpFlag } from '../packet/layers.js';
import { ICMP_TYPES, ICMPV6_TYPES, icmpType } from '../ruleset/matches/icmp-types.js';

export interface PacketText {
  /** Ethernet frame with right checksums, addressed to nobody in particular. */
  readonly frame: Uint8Array;
  /** `in IF` or `local`, where the text says. */
  readonly interface?: string;
}

export const PACKET_TEXT_HELP =
  'write `tcp|udp|icmp|PROTOCOL SOURCE[:PORT] > DESTINATION[:PORT]` and words such as `syn`, `echo-request`, ' +
  '`ttl 5`, `tos 16`, `fragment 1480+`, `in eth0`, `local`; IPv6 with ports as [2001:db8::1]:80';

interface Token {
  readonly text: string;
  /** 1-based. */
  readonly column: number;
}

interface Endpoint {
  readonly address: string;
  readonly family: Family;
  readonly port?: number;
}

/** Throws an InputError that points at the word that can't be read. `name` stands for the file in it. */
export function parsePacketText(text: string, name = '--packet'): PacketText {
  return new Reader(text, name).read();
}

class Reader {
  private readonly tokens: Token[];
  private at = 0;
  private readonly numbers = new Map<string, number>();
  private readonly flags = new Set<TcpFlag>();
  private readonly marks = new Set<string>();
  private icmp: { readonly type: number; readonly code: number } | undefined;
  private ingress: string | undefined;
  private more = false;

  constructor(
    private readonly text: string,
    private readonly name: string,
  ) {
    this.tokens = [...text.matchAll(/[^\s]+/g)].map((match) => ({ text: match[0], column: match.index + 1 }));
  }

  read(): PacketText {
    const protocol = this.next('a protocol');
    const source = this.endpoint('the source address');
    const arrow = this.next('`>`');
    if (arrow.text !== '>') this.fail(arrow, `\`${arrow.text}\` where \`>\` stands between the addresses`);
    const destinationToken = this.tokens[this.at];
    const destination = this.endpoint('the destination address');
    if (source.family !== destination.family) {
      this.fail(destinationToken, `one address is ${source.family}, the other ${destination.family}`);
    }
    const kind = this.protocolOf(protocol, source.family);
    while (this.at < this.tokens.length) this.word(kind, source.family);
    const layers = this.layers(kind, source, destination);
    return {
      frame: buildPacket(...layers),
      ...(this.ingress === undefined ? {} : { interface: this.ingress }),
    };
  }

  private protocolOf(token: Token, family: Family): 'tcp' | 'udp' | 'icmp' | number {
    const text = token.text.toLowerCase();
    if (text === 'tcp' || text === 'udp') return text;
    if (text === 'icmp' || text === 'icmp6' || text === 'icmpv6' || text === 'ipv6-icmp') {
      if ((text === 'icmp') !== (family === 'ipv4') && text !== 'icmp') {
        this.fail(token, `\`${token.text}\` between ${family} addresses`);
      }
      return 'icmp';
    }
    const number = /^\d+$/.test(text) ? Number(text) : protocolNumber(text);
    if (number === undefined || number > 255) this.fail(token, `\`${token.text}\` is no protocol`);
    return number;
  }

  private word(kind: 'tcp' | 'udp' | 'icmp' | number, family: Family): void {
    const token = this.next('a word');
    const text = token.text.toLowerCase();
    const limit = NUMBERS[text];
    if (text === 'local') this.ingress = 'local';
    else if (text === 'in') this.ingress = this.next('an interface').text;
    else if (text === 'fragment') this.fragment();
    else if (text === 'df' || text === 'bad-checksum') this.marks.add(text);
    // `ack 17` is the number, a bare `ack` the flag.
    else if (limit !== undefined && /^(0x[0-9a-f]+|\d+)$/i.test(this.tokens[this.at]?.text ?? '')) {
      this.numbers.set(text, this.number(limit));
    } else if (kind === 'tcp' && this.readFlags(text)) return;
    else if (kind === 'icmp') {
      const given = text === 'type' ? this.next('an ICMP type') : token;
      const read = icmpType(given.text, family === 'ipv4' ? ICMP_TYPES : ICMPV6_TYPES);
      if (typeof read === 'string') this.fail(given, `\`${given.text}\` is no ICMP type: ${read}`);
      this.icmp = { type: read.type, code: read.codes.last === 255 ? 0 : read.codes.first };
    } else if (limit !== undefined) this.number(limit);
    else this.fail(token, `\`${token.text}\` means nothing in a ${String(kind)} packet`);
  }

  /** `syn`, `syn,ack`, `syn+ack`, `none`. */
  private readFlags(text: string): boolean {
    if (text === 'none') return true;
    const names = text.split(/[,+]/);
    if (!names.every((name) => (TCP_FLAGS as readonly string[]).includes(name))) return false;
    for (const name of names) this.flags.add(name as TcpFlag);
    return true;
  }

  /** `1480`, or `0+` with more fragments to come. */
  private fragment(): void {
    const token = this.next('a fragment offset');
    const match = /^(\d+)(\+?)$/.exec(token.text);
    const offset = Number(match?.[1]);
    if (match === null || offset % 8 !== 0 || offset > 65528) {
      this.fail(
        token,
        `\`${token.text}\` is no fragment offset: a multiple of 8 bytes, \`+\` behind it when more follow`,
      );
    }
    this.numbers.set('fragment', offset);
    this.more = match[2] === '+';
  }

  private number(limit: number): number {
    const token = this.next('a number');
    const value = Number(token.text);
    if (!Number.isInteger(value) || value < 0 || value > limit) {
      this.fail(token, `\`${token.text}\` is no number from 0 to ${limit}`);
    }
    return value;
  }

  private endpoint(what: string): Endpoint {
    const token = this.next(what);
    const match =
      /^\[([0-9a-fA-F:.]+)\](?::(\d+))?$/.exec(token.text) ??
      /^(\d+\.\d+\.\d+\.\d+)(?::(\d+))?$/.exec(token.text);
    const address = match?.[1] ?? token.text;
    const family: Family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (parseAddress(address, family) === undefined) this.fail(token, `\`${token.text}\` is no address`);
    const port = match?.[2] === undefined ? undefined : Number(match[2]);
    if (port !== undefined && port > 65535) this.fail(token, `${port} is no port`);
    return { address, family, ...(port === undefined ? {} : { port }) };
  }

  private layers(kind: 'tcp' | 'udp' | 'icmp' | number, source: Endpoint, destination: Endpoint): Layer[] {
    const get = (name: string): number | undefined => this.numbers.get(name);
    const layers: Layer[] = [{ kind: 'ethernet' }];
    const vlan = get('vlan');
    if (vlan !== undefined) layers.push({ kind: 'vlan', id: vlan });
    const addresses = { source: source.address, destination: destination.address };
    const fragmentOffset = get('fragment');
    const protocol =
      typeof kind === 'number' ? kind : { tcp: 6, udp: 17, icmp: source.family === 'ipv4' ? 1 : 58 }[kind];
    if (source.family === 'ipv4') {
      layers.push({
        kind: 'ipv4',
        ...addresses,
        ttl: get('ttl') ?? 64,
        tos: get('tos') ?? 0,
        id: get('id') ?? 0,
        dontFragment: this.marks.has('df'),
        protocol,
        ...(fragmentOffset !== undefined && { fragmentOffset, moreFragments: this.more }),
      });
    } else {
      layers.push({ kind: 'ipv6', ...addresses, hopLimit: get('ttl') ?? 64, trafficClass: get('tos') ?? 0 });
      if (fragmentOffset !== undefined) {
        layers.push({
          kind: 'fragment',
          offset: fragmentOffset,
          more: this.more,
          id: get('id') ?? 0,
          nextHeader: protocol,
        });
      }
    }
    const data = new Uint8Array(get('data') ?? (fragmentOffset === undefined ? 0 : 8));
    // A later fragment starts in the middle of the datagram: no transport header.
    if (typeof kind === 'number' || (fragmentOffset ?? 0) > 0) {
      return [...layers, { kind: 'payload', data, protocol }];
    }
    return [...layers, this.transport(kind, source, destination), { kind: 'payload', data }];
  }

  private transport(kind: 'tcp' | 'udp' | 'icmp', source: Endpoint, destination: Endpoint): Layer {
    const checksum = this.marks.has('bad-checksum') ? 'wrong' : 'right';
    if (kind === 'icmp') {
      const isV4 = source.family === 'ipv4';
      const { type, code } = this.icmp ?? { type: isV4 ? 8 : 128, code: 0 };
      const rest = ((this.numbers.get('id') ?? 1) << 16) | ((this.numbers.get('seq') ?? 1) & 0xffff);
      return { kind: isV4 ? 'icmp' : 'icmp6', type, code, rest: rest >>> 0, checksum };
    }
    const ports = { sourcePort: source.port ?? 40000, destinationPort: destination.port ?? 0 };
    if (destination.port === undefined) this.fail(undefined, `a ${kind} packet needs a destination port`);
    if (kind === 'udp') return { kind, ...ports, checksum };
    return {
      kind,
      ...ports,
      flags: [...this.flags],
      sequence: this.numbers.get('seq') ?? 1,
      acknowledgement: this.numbers.get('ack') ?? (this.flags.has('ack') ? 1 : 0),
      window: this.numbers.get('win') ?? 65535,
      checksum,
    };
  }

  private next(what: string): Token {
    const token = this.tokens[this.at++];
    if (token === undefined) this.fail(undefined, `the packet ends where ${what} is expected`);
    return token;
  }

  private fail(token: Token | undefined, message: string): never {
    const column = token?.column ?? this.text.length + 1;
    const span = { file: this.name, line: 1, column, endColumn: column + (token?.text.length ?? 1) };
    const diagnostic: Diagnostic = {
      code: 'IPT0841',
      severity: 'error',
      message,
      span,
      lineText: this.text,
      help: PACKET_TEXT_HELP,
    };
    throw new InputError([diagnostic]);
  }
}

/** Words with a number behind them, and its largest value. */
const NUMBERS: Readonly<Record<string, number>> = {
  ttl: 255,
  tos: 255,
  id: 0xffffffff,
  seq: 0xffffffff,
  ack: 0xffffffff,
  win: 65535,
  data: 60000,
  vlan: 4095,
};
