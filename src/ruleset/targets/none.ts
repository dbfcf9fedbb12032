// SPDX-License-Identifier: Apache-2.0
// No -j: the rule counts and the walk goes on. iptables(8) -j.

export interface NoTarget {
  readonly kind: 'none';
}
