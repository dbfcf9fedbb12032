// SPDX-License-Identifier: Apache-2.0
// Whether a stream gets colour: https://no-color.org, https://force-color.org.

/**
 * Only a terminal gets colour, or any stream with FORCE_COLOR (`0` and `false` switch it off). `--no-color`
 * and NO_COLOR have the last word.
 */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (args.includes('--no-color') || (env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}
