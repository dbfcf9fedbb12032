// SPDX-License-Identifier: Apache-2.0
// Arguments and flags of commands that read rules, as values of the library.
import { Errors } from '@oclif/core';
import { loadInput, requireRules, type LoadedInput } from '../input/load.js';
import { parseWaiver, type Waiver } from '../ruleset/waivers.js';

export interface InputFlags {
  readonly host?: string | undefined;
  readonly family?: string | undefined;
}

/** Loads what the arguments name; with `rules`, at least one dump of rules must be among them. */
export async function loadArguments(
  args: readonly string[],
  flags: InputFlags,
  need: 'rules' | 'anything' = 'rules',
): Promise<LoadedInput> {
  if (args.length === 0)
    throw new Errors.CLIError('no input: give a dump, a snapshot directory, or `-` for standard input', {
      exit: 2,
    });
  const input = await loadInput(args, {
    ...(flags.host !== undefined && { hostFile: flags.host }),
    ...(flags.family !== undefined && { family: flags.family === 'ipv6' ? 'ipv6' : 'ipv4' }),
  });
  if (need === 'rules') requireRules(input);
  return input;
}

export function readWaivers(texts: readonly string[] = []): Waiver[] {
  return texts.map((text) => {
    const waiver = parseWaiver(text);
    if (waiver === undefined)
      throw new Errors.CLIError(
        `\`${text}\` is no waiver: expected CODE[@table/CHAIN[:N]], such as IPT0310@filter/INPUT:7`,
        { exit: 2 },
      );
    return waiver;
  });
}
