// SPDX-License-Identifier: Apache-2.0
// recent match, revision 1. iptables-extensions(8) recent; net/netfilter/xt_recent.c.
import { formatAddress, prefixMask } from '../../net/address.js';
import { UINT32_MAX, type Options } from '../options.js';
import { hostAddress, not } from '../values.js';
import { exclusive, needsOneOf, opaqueMatch } from './codec.js';

const OPERATIONS = ['--set', '--rcheck', '--update', '--remove'];
const DEFAULT_LIST = 'DEFAULT';
/** Bytes of a list's name, less its end. */
const MAX_NAME = 199;
const MAX_HIT_COUNT = 65_535;

export const recentCodec = opaqueMatch(
  'recent',
  {
    ...exclusive(...OPERATIONS),
    '--reap': { needs: ['--seconds'] },
    '--rttl': { excludes: ['--set', '--remove'] },
  },
  (options, { family }) => {
    needsOneOf(options, ...OPERATIONS);
    const operation = OPERATIONS.find((name) => options.has(name)) ?? '';
    const seconds = options.integer('--seconds', 1, UINT32_MAX);
    const hitCount = options.integer('--hitcount', 0, MAX_HIT_COUNT);
    checkModifiers(options, operation);
    const maskText = options.text('--mask');
    const mask = maskText === undefined ? prefixMask(128, family) : hostAddress(maskText, family);
    if (mask === undefined) options.badValue('--mask', `expected a mask written as an ${family} address`);
    return (
      `${not(options.negated(operation))} ${operation}` +
      (seconds === undefined ? '' : ` --seconds ${seconds | 0}`) +
      (options.has('--reap') ? ' --reap' : '') +
      (hitCount === undefined || hitCount === 0 ? '' : ` --hitcount ${hitCount}`) +
      (options.has('--rttl') ? ' --rttl' : '') +
      ` --name ${listName(options)} --mask ${mask === undefined ? '' : formatAddress(mask)}` +
      ` ${lastSide(options)}`
    );
  },
);

/** The kernel refuses to count or age what `--set` and `--remove` do. */
function checkModifiers(options: Options, operation: string): void {
  if (operation !== '--set' && operation !== '--remove') return;
  const modifier = ['--seconds', '--hitcount', '--reap'].find(
    (name) => options.has(name) && !(name === '--hitcount' && options.integer(name, 0, MAX_HIT_COUNT) === 0),
  );
  if (modifier !== undefined)
    options.fail(
      options.get(modifier)!,
      'IPT0225',
      `\`${modifier}\` and \`${operation}\` of \`recent\` exclude each other`,
    );
}

/** The list is a file under /proc. */
function listName(options: Options): string {
  const name = (options.text('--name') ?? DEFAULT_LIST).slice(0, MAX_NAME);
  if (name === '.' || name === '..' || name.includes('/')) options.badValue('--name', 'expected a file name');
  return name;
}

function lastSide(options: Options): string {
  const sides = options.node.options
    .map(({ name }) => name)
    .filter((name) => name === '--rsource' || name === '--rdest');
  return sides.at(-1) ?? '--rsource';
}
