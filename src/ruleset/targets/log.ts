// SPDX-License-Identifier: Apache-2.0
// LOG: terminal for nothing; the walk goes on. iptables-extensions(8) LOG; net/netfilter/xt_LOG.c.

export interface LogTarget {
  readonly kind: 'LOG';
  /** syslog level 0-7; 4 (warning) is the default. */
  readonly level: number;
  readonly prefix: string;
  /** Bits of enum nf_log flags: TCP sequence 1, TCP options 2, IP options 4, uid 8, MAC decode 32. */
  readonly flags: number;
}
