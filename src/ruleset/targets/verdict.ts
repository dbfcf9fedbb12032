// SPDX-License-Identifier: Apache-2.0
// ACCEPT, DROP, RETURN: the standard target. iptables(8) TARGETS; net/ipv4/netfilter/ip_tables.c ipt_do_table.
import type { TargetExtension } from '../extension.js';
import { Options } from '../options.js';
import { EXACT } from '../support/support.js';
import { BOTH_FAMILIES } from './opaque.js';

export interface VerdictTarget {
  readonly kind: 'verdict';
  readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN';
}

function verdictCodec(verdict: VerdictTarget['verdict']): TargetExtension<VerdictTarget> {
  return {
    name: verdict,
    families: BOTH_FAMILIES,
    decode: (node, context) =>
      new Options(node, {}, context).failed ? undefined : { kind: 'verdict', verdict },
    print: () => '',
    fidelity: () => EXACT,
  };
}

export const acceptCodec = verdictCodec('ACCEPT');
export const dropCodec = verdictCodec('DROP');
export const returnCodec = verdictCodec('RETURN');
