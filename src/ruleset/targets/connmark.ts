// SPDX-License-Identifier: Apache-2.0
// CONNMARK, revision 2. iptables-extensions(8) CONNMARK; net/netfilter/xt_connmark.c.
import { hex, UINT32_MAX, type Options } from '../options.js';
import { markOperation } from './mark.js';
import { BOTH_FAMILIES, oneOf, opaqueTarget, requireOneOf } from './opaque.js';

const OPERATIONS = [
  '--set-xmark',
  '--set-mark',
  '--and-mark',
  '--or-mark',
  '--xor-mark',
  '--save-mark',
  '--restore-mark',
] as const;

const MAX_SHIFT = 31;

export const connmarkCodec = opaqueTarget(
  'CONNMARK',
  BOTH_FAMILIES,
  {
    ...oneOf(...OPERATIONS),
    '--ctmask': { excludes: ['--mask'] },
    '--nfmask': { excludes: ['--mask'] },
    '--mask': { excludes: ['--ctmask', '--nfmask'] },
    '--left-shift-mark': {},
    '--right-shift-mark': {},
  },
  (options) => {
    if (!requireOneOf(options, OPERATIONS)) return '';
    const operation = markOperation(options);
    let value = 0;
    let ctmask = UINT32_MAX;
    let nfmask = UINT32_MAX;
    // Masks overwrite each other in the order given: `--set-mark` writes one too.
    for (const { name } of options.node.options) {
      if (name === '--ctmask') ctmask = options.integer(name, 0, UINT32_MAX) ?? 0;
      else if (name === '--nfmask') nfmask = options.integer(name, 0, UINT32_MAX) ?? 0;
      else if (name === '--mask') ctmask = nfmask = options.integer(name, 0, UINT32_MAX) ?? 0;
      else if (operation !== undefined && name.endsWith('mark') && !name.includes('shift')) {
        value = operation.value;
        ctmask = operation.mask;
      }
    }
    const masks = ` --nfmask ${hex(nfmask)} --ctmask ${hex(ctmask)}`;
    if (options.has('--save-mark')) return ' --save-mark' + masks + shift(options);
    if (options.has('--restore-mark')) return ' --restore-mark' + masks + shift(options);
    return ` --set-xmark ${hex(value)}/${hex(ctmask)}` + shift(options);
  },
);

function shift(options: Options): string {
  let text = '';
  for (const { name } of options.node.options) {
    if (!name.endsWith('shift-mark')) continue;
    const bits = options.integer(name, 0, MAX_SHIFT) ?? 0;
    text = bits === 0 ? '' : ` ${name} ${bits}`;
  }
  return text;
}
