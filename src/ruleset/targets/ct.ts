// SPDX-License-Identifier: Apache-2.0
// CT and NOTRACK. iptables-extensions(8) CT; net/netfilter/xt_CT.c. NOTRACK is CT --notrack with its own name.
import type { DecodeContext, TargetExtension } from '../extension.js';
import { Options, unsignedInteger, UINT16_MAX } from '../options.js';
import { CT_TEMPLATE } from '../support/context.js';
import { EXACT, extensionFidelity, worst } from '../support/support.js';
import { TARGET_SUPPORT } from '../support/targets.js';
import { BOTH_FAMILIES } from './opaque.js';
import { onlyProtocol } from './protocol.js';

export interface CtTarget {
  readonly kind: 'CT';
  /** True when the dump says `-j NOTRACK`. */
  readonly spelledNotrack: boolean;
  readonly notrack: boolean;
  /** Canonical text of all other options (helper, events, zone, timeout); empty when none: those are not carried over. */
  readonly others: string;
}

/** In the order iptables-save prints them. */
const CONNTRACK_EVENTS = [
  'new',
  'related',
  'destroy',
  'reply',
  'assured',
  'protoinfo',
  'helper',
  'mark',
  'natseqinfo',
  'secmark',
];
const EXPECTATION_EVENTS = ['new'];

/** Bytes of `struct xt_ct_target_info_v1`'s names, less their end. */
const HELPER_LENGTH = 15;
const TIMEOUT_LENGTH = 31;

const RULES = {
  '--notrack': {},
  '--helper': {},
  '--timeout': {},
  '--ctevents': {},
  '--expevents': {},
  '--zone-orig': {},
  '--zone-reply': {},
  '--zone': {},
};

function events(options: Options, name: string, known: readonly string[]): string {
  const text = options.text(name);
  if (text === undefined) return '';
  const given = text.split(',');
  const unknown = given.find((event) => !known.includes(event));
  if (unknown !== undefined) options.badValue(name, `\`${unknown}\` is none of ${known.join(', ')}`);
  return ` ${name} ${known.filter((event) => given.includes(event)).join(',')}`;
}

/** The last zone given decides the number; directions add up, and both together mean neither. */
function zone(options: Options, context: DecodeContext): string {
  let id = 0;
  let fromMark = false;
  let original = false;
  let reply = false;
  for (const { name, args } of context.rule.target?.options ?? []) {
    if (!name.startsWith('--zone')) continue;
    original ||= name === '--zone-orig';
    reply ||= name === '--zone-reply';
    const text = args[0]?.text ?? '';
    const value = unsignedInteger(text, 0, UINT16_MAX);
    if (text.toLowerCase() === 'mark') {
      fromMark = true;
      id = 0;
    } else if (value === undefined) options.badValue(name, 'expected `mark` or a zone from 0 to 65535');
    else id = value;
  }
  if (!fromMark && id === 0) return '';
  const direction = original === reply ? '' : original ? '-orig' : '-reply';
  return ` --zone${direction} ${fromMark ? 'mark' : id}`;
}

export const ctCodec: TargetExtension<CtTarget> = {
  name: 'CT',
  families: BOTH_FAMILIES,
  decode(node, context) {
    const options = new Options(node, RULES, context);
    if (options.failed) return undefined;
    if (options.has('--helper') && !options.has('--notrack') && onlyProtocol(context) === undefined) {
      options.fail(
        options.get('--helper')!,
        'IPT0228',
        'a connection tracking helper serves one protocol, and the rule is not limited to one',
        'add `-p tcp` or `-p udp`',
      );
    }
    const helper = options.text('--helper')?.slice(0, HELPER_LENGTH);
    const timeout = options.text('--timeout')?.slice(0, TIMEOUT_LENGTH);
    const others =
      (helper === undefined ? '' : ` --helper ${helper}`) +
      (timeout === undefined ? '' : ` --timeout ${timeout}`) +
      events(options, '--ctevents', CONNTRACK_EVENTS) +
      events(options, '--expevents', EXPECTATION_EVENTS) +
      zone(options, context);
    if (options.failed) return undefined;
    return { kind: 'CT', spelledNotrack: false, notrack: options.has('--notrack'), others };
  },
  print: (payload) => (payload.notrack ? ' --notrack' : '') + payload.others,
  fidelity: ({ notrack }, context) =>
    worst([
      extensionFidelity(TARGET_SUPPORT['CT']!, context.rule.target?.options ?? []),
      notrack ? EXACT : CT_TEMPLATE,
    ]),
};

export const notrackCodec: TargetExtension<CtTarget> = {
  name: 'NOTRACK',
  families: BOTH_FAMILIES,
  decode: (node, context) =>
    new Options(node, {}, context).failed
      ? undefined
      : { kind: 'CT', spelledNotrack: true, notrack: true, others: '' },
  print: () => '',
  fidelity: () => TARGET_SUPPORT['NOTRACK']!.base,
};
