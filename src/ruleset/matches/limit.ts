// SPDX-License-Identifier: Apache-2.0
// limit match: a token bucket in jiffies. iptables-extensions(8) limit; net/netfilter/xt_limit.c.

export interface LimitMatch {
  readonly kind: 'limit';
  /** As userspace hands it to the kernel: 10,000 (XT_LIMIT_SCALE) / rate per second, an unsigned 32-bit integer. */
  readonly average: number;
  readonly burst: number;
}
