// SPDX-License-Identifier: Apache-2.0
// ecn match. iptables-extensions(8) ecn; net/netfilter/xt_ecn.c; RFC 3168.
import { needsOneOf, needsProtocol, opaqueMatch } from './codec.js';
import { flagText, integerText } from './spi.js';

export const ecnCodec = opaqueMatch('ecn', {}, (options, context) => {
  needsOneOf(options, '--ecn-tcp-cwr', '--ecn-tcp-ece', '--ecn-ip-ect');
  if (options.has('--ecn-tcp-cwr') || options.has('--ecn-tcp-ece')) needsProtocol(options, context, 'tcp');
  return (
    flagText(options, '--ecn-tcp-ece') +
    flagText(options, '--ecn-tcp-cwr') +
    integerText(options, '--ecn-ip-ect', 3)
  );
});
