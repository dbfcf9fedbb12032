// SPDX-License-Identifier: Apache-2.0
// From the launcher to a command: `help`, unknown commands, and errors that no command caught.
import { fileURLToPath } from 'node:url';
import { Config, Errors, type Interfaces, run } from '@oclif/core';
import { EXIT_CODE } from './exit-code.js';
import { tellTrouble, unknown } from './trouble.js';

/**
 * Runs the command line. `place`: URL of the launcher, from which package.json is looked for upwards; with a
 * `manifest` in its stead, of the package's folder.
 */
export async function main(place: string, manifest?: Interfaces.PJSON): Promise<void> {
  const given = process.argv.slice(2);
  const args = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  const fail = (error: unknown): void => {
    const known = error instanceof Error ? error : new Error(String(error));
    process.exit(tellTrouble(known, { args, command: '', options: [] }));
  };
  process.once('uncaughtException', fail);
  try {
    const root = fileURLToPath(place);
    const config = await Config.load(manifest === undefined ? root : { root, pjson: manifest });
    requireCommand(args, config);
    await run(args, config);
  } catch (error) {
    fail(error);
  }
}

/** Throws when the first words name neither a command nor a topic. */
function requireCommand(args: readonly string[], config: Config): void {
  const [first] = args;
  if (first === undefined || ['--help', '-h', '--version'].includes(first)) return;
  if (first.startsWith('-'))
    throw new Errors.CLIError(
      `${unknown('option', first, ['--help', '--version'])} (a command comes first)`,
      {
        exit: EXIT_CODE.trouble,
      },
    );
  const words: string[] = [];
  for (const arg of args) {
    if (arg.startsWith('-')) break;
    words.push(arg);
    const id = words.join(':');
    if (config.findCommand(id) !== undefined) return;
    if (config.findTopic(id) === undefined) {
      const names = config.commandIDs.map((each) => each.replaceAll(':', ' '));
      throw new Errors.CLIError(
        `${unknown('command', words.join(' '), names)}\ncommands: ${names.join(', ')}`,
        {
          exit: EXIT_CODE.trouble,
        },
      );
    }
  }
}
