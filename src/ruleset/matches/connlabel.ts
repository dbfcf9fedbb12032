// SPDX-License-Identifier: Apache-2.0
// connlabel match. iptables-extensions(8) connlabel; net/netfilter/xt_connlabel.c. Labels by name come from a file
// of the host (connlabel.conf) that no dump brings: numbers only.
import { not } from '../values.js';
import { opaqueMatch } from './codec.js';
import { flagText } from './spi.js';

const MAX_LABEL = 127;

export const connlabelCodec = opaqueMatch('connlabel', { '--label': { mandatory: true } }, (options) => {
  const label = options.integer('--label', 0, MAX_LABEL);
  return `${not(options.negated('--label'))} --label "${label ?? ''}"${flagText(options, '--set')}`;
});
