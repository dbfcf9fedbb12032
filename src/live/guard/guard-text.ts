// SPDX-License-Identifier: Apache-2.0
// The words of a guard: a flow to this host that must not be cut.
//   tcp|udp|ping [from ADDRESS,...] [to [ADDRESS,...] [port PORT,...]] [in INTERFACE,...]
// ADDRESS: an address or a prefix; PORT: a number, a name, or FIRST-LAST; tcp and udp need a port.
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import { InputError } from '../../diagnostics/input-error.js';
import { parsePrefix, type Prefix } from '../../host/prefix.js';
import { prefixMask, type AddressRange } from '../../net/address.js';
import type { Family } from '../../net/family.js';
import type { NumberRange } from '../../net/range.js';
import { servicePort } from '../../net/services.js';

export interface FamilyAddresses extends AddressRange {
  readonly family: Family;
  /** As written. */
  readonly text: string;
}

export interface Guard {
  /** As written. */
  readonly text: string;
  readonly protocol: 'tcp' | 'udp' | 'ping';
  /** Undefined: anybody. */
  readonly from?: readonly FamilyAddresses[];
  /** Undefined: every own address. */
  readonly to?: readonly FamilyAddresses[];
  /** Empty for ping. */
  readonly ports: readonly NumberRange[];
  /** Names. Undefined: any interface but lo. */
  readonly interfaces?: readonly string[];
}

const FORM =
  'a guard is `tcp|udp|ping [from ADDRESS,...] [to [ADDRESS,...] [port PORT,...]] [in INTERFACE,...]`, such as `tcp from 192.0.2.0/24 to port 22`';
const KEYWORDS = ['from', 'to', 'port', 'in'];

/** Throws InputError (IPT1110) for words that are no guard. */
export function parseGuard(text: string): Guard {
  const words = text.trim().split(/\s+/);
  const fail = (why: string): InputError => new InputError([notAGuard(text, why)]);
  const [protocol] = words;
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'ping')
    throw fail(`it begins with \`${protocol ?? ''}\``);
  const said = new Map<string, string>();
  for (let at = 1, order = -1; at < words.length;) {
    const keyword = words[at]!;
    const place = KEYWORDS.indexOf(keyword);
    if (place < 0) throw fail(`\`${keyword}\` is not expected here`);
    if (place <= order) throw fail(`\`${keyword}\` comes twice or too late`);
    order = place;
    const value = words[at + 1];
    const isBareTo = keyword === 'to' && value === 'port';
    if (value === undefined || (!isBareTo && KEYWORDS.includes(value)))
      throw fail(`nothing follows \`${keyword}\``);
    if (!isBareTo) said.set(keyword, value);
    at += isBareTo ? 1 : 2;
  }
  const list = <T>(keyword: string, read: (word: string) => T | undefined): T[] | undefined =>
    said
      .get(keyword)
      ?.split(',')
      .map((word) => {
        const value = read(word);
        if (value === undefined) throw fail(`\`${word}\` behind \`${keyword}\` cannot be read`);
        return value;
      });
  const ports = list('port', (word) => readPort(word, protocol));
  if (protocol === 'ping' && ports !== undefined) throw fail('ping has no ports');
  if (protocol !== 'ping' && ports === undefined) throw fail(`${protocol} needs a port`);
  const from = list('from', readAddresses);
  const to = list('to', readAddresses);
  const interfaces = list('in', (word) => word || undefined);
  return {
    text: words.join(' '),
    protocol,
    ports: ports ?? [],
    ...(from && { from }),
    ...(to && { to }),
    ...(interfaces && { interfaces }),
  };
}

function notAGuard(text: string, why: string): Diagnostic {
  return { code: 'IPT1110', severity: 'error', message: `\`${text}\` is no guard: ${why}`, help: FORM };
}

function readAddresses(word: string): FamilyAddresses | undefined {
  const prefix = word === 'default' ? undefined : parsePrefix(word);
  return prefix && { family: prefix.family, text: word, ...rangeOf(prefix) };
}

/** The addresses of `203.0.113.2/24`: bits beyond the prefix are not looked at. */
export function prefixRange(text: string): AddressRange {
  return rangeOf(parsePrefix(text)!);
}

function rangeOf({ family, address, bits }: Prefix): AddressRange {
  const mask = prefixMask(bits, family);
  return {
    first: address.map((each, i) => (each & mask[i]!) >>> 0),
    last: address.map((each, i) => (each | ~mask[i]!) >>> 0),
  };
}

function readPort(word: string, protocol: string): NumberRange | undefined {
  const parts = /^(\d+)-(\d+)$/.exec(word);
  if (parts === null) {
    const port = /^\d+$/.test(word) ? Number(word) : servicePort(word, protocol);
    return port === undefined || port < 1 || port > 0xffff ? undefined : { first: port, last: port };
  }
  const [first, last] = [Number(parts[1]), Number(parts[2])];
  return first < 1 || last > 0xffff || first > last ? undefined : { first, last };
}
