// SPDX-License-Identifier: Apache-2.0
// The protocol a rule is limited to, for targets that depend on it (iptables(8) -p).
import type { DecodeContext } from '../extension.js';
import { unsignedInteger } from '../options.js';

/** The number behind `-p`, also when negated; undefined without `-p` or for `all`. */
export function statedProtocol(context: DecodeContext): number | undefined {
  const header = context.rule.protocol;
  if (header === undefined) return undefined;
  const number = unsignedInteger(header.text, 0, 255) ?? context.names.protocol(header.text.toLowerCase());
  return number === 0 ? undefined : number;
}

/** The one protocol that all packets of the rule have; undefined when it is not limited to one. */
export function onlyProtocol(context: DecodeContext): number | undefined {
  return context.rule.protocol?.negated === true ? undefined : statedProtocol(context);
}
