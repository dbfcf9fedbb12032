// SPDX-License-Identifier: Apache-2.0
// realm match (IPv4). iptables-extensions(8) realm; net/netfilter/xt_realm.c. Names: /etc/iproute2/rt_realms.
import { opaqueMatch } from './codec.js';
import { valueMaskText } from './value-mask.js';

/** As iproute2 ships the file. */
const REALMS = { cosmos: 0 };

export const realmCodec = opaqueMatch('realm', { '--realm': { mandatory: true } }, (options) =>
  valueMaskText(options, '--realm', REALMS),
);
