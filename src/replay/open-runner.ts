// SPDX-License-Identifier: Apache-2.0
// From a loaded input and the name of a runner to the runner. Each kind of runner is imported only when asked
// for: `rules` needs neither clang nor root, and loads neither.
import type { LoadedInput } from '../input/load.js';
import { recognise } from '../input/recognise.js';
import type { Family } from '../net/family.js';
import { assess } from '../ruleset/assess/assess.js';
import type { Waiver } from '../ruleset/waivers.js';
import type { Runner, RunnerName } from './runner.js';

export interface OpenRunnerOptions {
  readonly checksums: 'verify' | 'trust';
  /** Records list the rules passed. */
  readonly trace: boolean;
  /** A waiver never changes the reference: packets that meet a waived rule are `undecided` there. */
  readonly waivers: readonly Waiver[];
}

/** Throws EnvironmentError where the machine lacks what the runner needs. */
export async function openRunner(
  name: Extract<RunnerName, 'rules' | 'netfilter'>,
  input: LoadedInput,
  options: OpenRunnerOptions,
): Promise<Runner> {
  switch (name) {
    case 'rules':
      return openRules(input, options);
    case 'netfilter':
      return openNetfilter(input);
  }
}

async function openRules(input: LoadedInput, options: OpenRunnerOptions): Promise<Runner> {
  const { openRulesRunner } = await import('../ruleset/evaluate/index.js');
  const { findings } = assess(input, options.waivers);
  const waived = findings.flatMap(({ rule, waiver }) => (waiver === undefined ? [] : [rule.id]));
  return openRulesRunner(input.ruleset, input.host, {
    checksums: options.checksums,
    trace: options.trace,
    waived: new Set(waived),
  });
}

/** The dumps as they were given: iptables reads them itself. */
async function openNetfilter(input: LoadedInput): Promise<Runner> {
  const { NetfilterRunner } = await import('../kernel/netfilter/runner.js');
  const textOf = (family: Family): string =>
    input.files
      .filter((file) => file.family === family)
      .map((file) => input.sources.find(({ name }) => name === file.file)?.text ?? '')
      .join('');
  const ruleFiles = new Set(input.files.map(({ file }) => file));
  const sets = input.sources.filter(
    (source) =>
      !ruleFiles.has(source.name) && !source.text.trimStart().startsWith('{') && recognise(source) === 'sets',
  );
  const [ipv4, ipv6, ipset] = [textOf('ipv4'), textOf('ipv6'), sets.map(({ text }) => text).join('')];
  return NetfilterRunner.create({
    host: input.host,
    ...(ipv4 !== '' && { ipv4 }),
    ...(ipv6 !== '' && { ipv6 }),
    ...(ipset !== '' && { ipset }),
  });
}
