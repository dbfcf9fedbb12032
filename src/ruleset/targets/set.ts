// SPDX-License-Identifier: Apache-2.0
// SET, revision 3. iptables-extensions(8) SET; net/netfilter/xt_set.c. Whether the sets exist is known at resolve.
import type { OptionNode } from '../../ast/nodes.js';
import { UINT32_MAX, type Options } from '../options.js';
import { BOTH_FAMILIES, flags, opaqueTarget, requireOneOf } from './opaque.js';

const NAMING = ['--add-set', '--del-set', '--map-set'];
const MAPPED = ['--map-mark', '--map-prio', '--map-queue'];
const MAX_DIMENSIONS = 6;
/** Bytes of a set's name, less its end. */
const NAME_LENGTH = 31;

/** Options of a SET target that name a set. */
export function namedSets(options: readonly OptionNode[]): readonly OptionNode[] {
  return options.filter(({ name }) => NAMING.includes(name));
}

/** `name dir,dir`: a word counts as a direction when it begins with `src` or `dst`. */
function naming(options: Options, option: string): string {
  const node = options.get(option);
  if (node === undefined) return '';
  const [name, directions] = node.args;
  if ((name?.text.length ?? 0) > NAME_LENGTH)
    options.badValue(option, `a set's name has at most ${NAME_LENGTH} bytes`);
  const words = (directions?.text ?? '').split(',');
  const read = words.map((word) => (/^(src|dst)/.exec(word) ?? [''])[0]);
  if (read.includes('') || words.length > MAX_DIMENSIONS)
    options.badValue(option, `expected up to ${MAX_DIMENSIONS} of \`src\` and \`dst\`, joined by commas`, 1);
  return ` ${option} ${name?.text} ${read.join(',')}`;
}

export const setCodec = opaqueTarget(
  'SET',
  BOTH_FAMILIES,
  {
    '--add-set': {},
    '--del-set': {},
    '--map-set': {},
    '--exist': { needs: ['--add-set'] },
    '--timeout': { needs: ['--add-set'] },
    '--map-mark': { needs: ['--map-set'] },
    '--map-prio': { needs: ['--map-set'] },
    '--map-queue': { needs: ['--map-set'] },
  },
  (options) => {
    if (!requireOneOf(options, NAMING)) return '';
    if (options.has('--map-set') && !requireOneOf(options, MAPPED)) return '';
    const timeout = options.integer('--timeout', 0, UINT32_MAX - 1);
    return (
      naming(options, '--add-set') +
      flags(options, ['--exist']) +
      (timeout === undefined ? '' : ` --timeout ${timeout}`) +
      naming(options, '--del-set') +
      naming(options, '--map-set') +
      flags(options, MAPPED)
    );
  },
);
